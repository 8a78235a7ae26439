"""How the telling series of a run went, whether that can be called healthy, and the sentence a run is told by."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from loglens.chains import effects_of
from loglens.numbers import human, percent
from loglens.roles import judges
from loglens.settings import as_number
from loglens.wording import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loglens.model import Finding, Metric, Verdict
    from loglens.series import SeriesSet

ENOUGH = 8  # points of a loss or score below which a run is not called healthy
DONE = 0.97  # share of a plan that counts as done
WAITED = 3  # evaluations without a better one after which an early stop is plausible
CONSEQUENCES = 3  # in a headline
HARDLY = 0.05  # share of a loss, or of the errors that a score leaves, below which a change is next to none
CLEAR = 0.15  # share of a loss from which a fall counts whatever the noise
GOOD = 0.1  # errors that a good score leaves: who is there already has little to gain
_TELLING = ("reward", "val/loss", "train/loss", "val/accuracy", "val/metric")
_HELD_OUT = ("val/loss", "test/loss")
_PATIENCE = ("patience", "early_stopping_patience", "early_stop_patience", "early_stopping_rounds", "od_wait")


@dataclass(frozen=True, slots=True)
class Course:
    """How the telling series of a run went, in a sentence, and whether it went as it should."""

    sentence: str
    fine: bool


def course_of(series: SeriesSet, number: int, metrics: tuple[Metric, ...], patience: float | None = None) -> Course:
    """`patience`: evaluations without a better one after which training was to stop, where the settings say so."""
    enough = [m for m in metrics if m.role and judges(m.role) and m.points >= ENOUGH and m.first is not None]
    known = [m for m in enough if m.direction] or enough
    held_out = (m for m in known if (m.role or "").startswith(("val/", "test/")))
    told = next((m for role in _TELLING for m in known if m.role == role), next(chain(held_out, known), None))
    mine = [i for i in sorted(series.members_of(number).series) if told and series.tag[i] == told.tag]
    if told is None or not mine:
        return Course(_too_little(metrics), fine=False)
    if (kept := series.counts[mine[0]]) < ENOUGH:
        left = f"of {told.tag}, {'1 point is' if kept == 1 else f'{kept} points are'} left since it began anew"
        return Course(f"Too little to judge: {left}, and {ENOUGH} are needed.", fine=False)
    course = _judged(series, mine[0], told)
    if course.fine and _idle(series, number, mine[0], enough):
        alike = "a fine-tune near its optimum and a run that learnt nothing look alike"
        return Course(f"{course.sentence[:-1]}, {_how_little(told)}: {alike}.", fine=False)
    if course.fine and (end := _unfinished(series, number, mine[0], patience)):
        return Course(f"{course.sentence[:-1]} so far. {end}", fine=False)
    return course if not course.fine else Course(f"{course.sentence[:-1]}; nothing stands out.", fine=True)


def _too_little(metrics: tuple[Metric, ...]) -> str:
    """Why a run without a loss or score of enough points cannot be judged."""
    if not any(m.points for m in metrics):
        return "Nothing to judge: no value was logged."
    judged = [m for m in metrics if m.role and judges(m.role)]
    if not judged:
        seen = f"{len(metrics)} series" if len(metrics) > 1 else metrics[0].tag
        return f"Nothing to judge by: no loss or score was recognised in {seen}."
    most = max(judged, key=lambda m: m.points)
    if most.points >= ENOUGH:
        return f"Nothing to judge by: {most.tag} has no finite value."
    points = "1 point" if most.points == 1 else f"{most.points} points"
    return f"Too little to judge: {most.tag} has {points}, and {ENOUGH} are needed."


def _judged(series: SeriesSet, i: int, told: Metric) -> Course:
    """The course of one series, by its blocks rather than its last value."""
    way = "fell" if (told.last or 0) < (told.first or 0) else "rose"
    went = f"{told.tag} {way} from {human(told.first)} to {human(told.last)}"
    if human(told.first) == human(told.last):
        went = f"{told.tag} began and ended at {human(told.last)}"
    f, i = series.features.of(i)
    blocks = f.blocks.median[i, : f.blocks.count[i]]
    went = _by_levels(told, blocks, bool(f.logged[i])) or went
    moved = float(np.median(blocks[-3:]) - np.median(blocks[:2])) if len(blocks) else 0.0
    size = np.log(1.1) if f.logged[i] else 0.1 * float(np.max(np.abs(blocks), initial=0.0))
    if f.count[i] and np.ptp(f.raw[f.start[i] : f.start[i] + f.count[i]]) == 0:
        return Course(f"{told.tag} never moved from {human(told.last)}, and no rule could say why.", fine=False)
    if told.direction is None and moved > max(3 * f.noise[i], size):
        return Course(f"{went}; which way is better is not known.", fine=False)
    if told.direction is not None and (moved if told.direction == "min" else -moved) > max(3 * f.noise[i], size):
        return Course(f"{went}, which is worse, and no rule could say why.", fine=False)
    sign = -1.0 if told.direction == "max" else 1.0
    worse = sign * ((told.last or 0.0) - (told.first or 0.0)) > HARDLY * abs(told.first or 0.0)
    if told.role in _HELD_OUT and worse and sign * moved > -float(np.nan_to_num(f.noise[i])):
        return Course(f"{went}, no better than it began, and no rule could say why.", fine=False)
    restless = f.roughness[i] > (np.log(1.5) if f.logged[i] else 0.5 * float(np.max(np.abs(blocks), initial=0.0)))
    if told.role in _HELD_OUT and restless and abs(moved) < f.roughness[i]:
        return Course(f"{went}; it swings so much that nothing can be told.", fine=False)
    return Course(f"{went}.", fine=True)


def _by_levels(told: Metric, blocks: np.ndarray, logged: bool) -> str:
    """The way of a curve by the levels of its ends, where its first and last value point the other way; else empty."""
    if len(blocks) < ENOUGH:
        return ""
    ends = float(np.median(blocks[:2])), float(np.median(blocks[-3:]))
    start, end = (float(np.exp(level)) for level in ends) if logged else ends
    contrary = ((told.last or 0.0) - (told.first or 0.0)) * (end - start) < 0
    if not contrary or human(start) == human(end):
        return ""
    return f"{told.tag} {'fell' if end < start else 'rose'} from about {human(start)} to about {human(end)}"


def _how_little(told: Metric) -> str:
    first, last = told.first or 0.0, told.last or 0.0
    if human(first) == human(last):
        return "no better than it began"
    return "next to nothing" if abs(last - first) <= HARDLY * abs(first) else "no more than its noise"


def _idle(series: SeriesSet, number: int, i: int, known: list[Metric]) -> bool:
    """Whether the loss by which a run is told, and everything else that judges it, hardly moved from where it began.

    Losses of adversaries and of policies need not fall.
    """
    if not series.role[i].startswith(("val/loss", "train/loss", "test/loss")) or any(
        role.startswith(_NEED_NOT_FALL) for role in series.by_run.get(number, {})
    ):
        return False
    tags = {metric.tag for metric in known}
    return not any(_gained(series, j) for j in series.members_of(number).series if series.tag[j] in tags)


_NEED_NOT_FALL = ("generator_loss", "discriminator_loss", "reward", "policy_loss", "value_loss", "entropy", "kl")


def _gained(series: SeriesSet, i: int) -> bool:
    """Whether a loss or score got better by more than its noise and by more than next to nothing, or is good anyway."""
    f, row = series.features.of(i)
    points = f.raw[f.start[row] : f.start[row] + f.count[row]]
    level = np.log(points) if f.logged[row] else points
    noise = 3 * float(np.nan_to_num(f.noise[row]))
    smooth = f.blocks.smooth[row, : f.blocks.count[row]]
    if series.direction[i] == "max":
        best, start = float(np.max(smooth)), float(min(np.median(level[:3]), smooth[0]))
        plain = np.exp((start, best)) if f.logged[row] else (start, best)
        return _fewer_errors(float(plain[0]), float(plain[1]), best - start > noise)
    size = float(np.max(np.abs(smooth)))
    least, clear = np.log1p((HARDLY, CLEAR)) if f.logged[row] else (0.0, CLEAR * size)
    bounds = (max(noise, float(least)), max(4 * float(np.nan_to_num(f.roughness[row])), float(least)), float(clear))
    ways = (1,) if series.direction[i] == "min" else (1, -1)  # which way is better is not always known
    return any(_fell(way * level, way * smooth, *bounds) for way in ways)


def _fell(level: np.ndarray, smooth: np.ndarray, least: float, from_first: float, clear: float) -> bool:
    """Whether a curve fell by `least` to its best, or by `clear` to its end whatever its noise.

    A single first point, from which a quick fall begins, counts with the bound `from_first`.
    """
    start, best = max(float(np.median(level[:3])), float(smooth[0])), float(np.min(smooth))
    fell = start - best > least or float(level[0]) - best > from_first
    return fell or start - float(np.median(smooth[-3:])) > clear


def _fewer_errors(start: float, best: float, sure: bool) -> bool:
    """Whether a score left clearly fewer errors in the end, or hardly any; of a score without a top any rise counts.

    `sure`: the rise is more than noise.
    """
    top = 1.0 if best <= 1 else 100.0
    if start < 0 or best > top:
        return sure
    return top - best <= GOOD * top or (sure and top - best < (1 - HARDLY) * (top - start))


def _unfinished(series: SeriesSet, number: int, i: int, patience: float | None) -> str:
    """Why the log looks as if it were still being written, or cut off; empty when it looks finished.

    By the log's own signs alone, never by the clock, so that the same log is always told alike: a record that was
    being written when it was read, or a plan that was not reached while there was still something to gain.
    """
    facts = {name: float(values[number]) for name, values in series.facts.items() if name in _PLAN}
    if facts.get("truncated_files", 0) > 0:
        return "The log breaks off inside a record: the job is still writing, or was killed."
    for axis, done, planned in (
        ("step", facts.get("last_logged_step", 0.0), facts.get("planned_steps", 0.0)),
        ("epoch", facts.get("last_logged_epoch", -1.0) + 1, facts.get("planned_epochs", 0.0)),
    ):
        if planned > 0 and done > 0:
            if done / planned >= DONE or _waited(series, i, patience):
                return ""
            share = percent(done / planned)
            return f"It ends at {axis} {done:,.0f} of {planned:,.0f} planned ({share}): still running, or cut off."
    return ""


_PLAN = ("truncated_files", "last_logged_step", "planned_steps", "last_logged_epoch", "planned_epochs")


def patience_of(hparams: Mapping[str, str]) -> float | None:
    """The patience of early stopping, where the settings tell it."""
    plain = {name.lower().rpartition("/")[2].rpartition(".")[2]: value for name, value in hparams.items()}
    known = [number for name in _PATIENCE if (number := as_number(plain.get(name, ""))) is not None and number > 0]
    return min(known, default=None)


def _waited(series: SeriesSet, i: int, patience: float | None) -> bool:
    """Whether training may have been stopped for want of progress: the best evaluation lies some way back.

    With a patience it is enough that there were more evaluations than that: another score may have been watched.
    """
    if patience is not None:
        return bool(series.points.count[i] > patience)
    own = slice(series.points.start[i], series.points.start[i] + series.points.count[i])
    value = series.points.value[own]
    at = int(np.argmin(value) if series.direction[i] == "min" else np.argmax(value))
    return series.role[i].startswith("val/") and len(value) - 1 - at >= WAITED


def headline(
    verdict: Verdict, root: Finding | None, findings: tuple[Finding, ...], course: Course, asked: int | None
) -> str:
    """The sentence that a run is told by; `asked` is how many rules were selected, None for all."""
    if root is not None and verdict in ("failed", "suspect"):
        return f"{root.message}{'' if root.message.endswith('.') else '.'}{_consequences(root, findings)}"
    notes = f" {len(findings)} {'note' if len(findings) == 1 else 'notes'}." if findings else ""
    if asked is not None and course.fine:
        rules = "one selected rule" if asked == 1 else f"{asked} selected rules"
        went = course.sentence.removesuffix("; nothing stands out.")
        return f"{'Only notes' if findings else 'No finding'} by the {rules}; {went}.{notes}"
    return f"{course.sentence}{notes}"


def _consequences(root: Finding, findings: tuple[Finding, ...]) -> str:
    """` After that, the loss became NaN or infinite.`: what the root led to, as far as it matters."""
    effects = [f for f in effects_of(root, findings) if f.severity != "info"][:CONSEQUENCES]
    if not effects:
        return ""
    told = listed([f.title[:1].lower() + f.title[1:] for f in effects])
    if all(_later(f, root) for f in effects):
        return f" After that, {told}."
    return f" {told[:1].upper()}{told[1:]}."


def _later(effect: Finding, root: Finding) -> bool:
    return (
        effect.axis == root.axis
        and effect.first_step is not None
        and root.first_step is not None
        and effect.first_step > root.first_step
    )
