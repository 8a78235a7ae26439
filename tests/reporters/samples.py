"""Reports to render: what a real analysis would say of eleven small stories, with curves that look like training."""

from __future__ import annotations

import numpy as np

from loglens.model import (
    Axis,
    Checkpoint,
    Curve,
    Finding,
    Group,
    Metric,
    NotChecked,
    Problem,
    Reading,
    Resume,
    RuleInfo,
    RunReport,
    Severity,
    Source,
    Value,
    Verdict,
    Waste,
)
from loglens.report import Report

RULES = (
    RuleInfo(
        "diverging-loss", "Diverging loss", "error",
        "A loss that climbs and stays up has left the region where the model was good; what follows trains nothing.",
        references=("Chowdhery et al. 2022, PaLM, section 5.1",),
    ),
    RuleInfo(
        "widening-gap", "Widening gap", "warning",
        "The held-out loss rises while the training loss falls: the model learns its training examples by heart.",
    ),
    RuleInfo("flat-loss", "Flat loss", "error", "A loss that does not move learns nothing, whatever it costs."),
)  # fmt: skip

MISSING = (
    NotChecked("collapsed-predictions", "no prediction statistics logged (pred_std, logit_std, …)"),
    NotChecked("entropy-collapse", "no entropy logged (entropy, policy_entropy)"),
    NotChecked("vanishing-gradient", "no gradient norm logged (grad_norm)"),
    NotChecked("exploding-gradient", "no gradient norm logged (grad_norm)"),
)


def curve(tag: str, role: str | None, steps: np.ndarray, values: np.ndarray, axis: Axis = "step") -> Curve:
    return Curve(tag, role, axis, steps.astype(np.int64), values.astype(np.float64))


def metric(c: Curve) -> Metric:
    finite = c.values[np.isfinite(c.values)]
    direction = "max" if c.role and "accuracy" in c.role else "min"
    best = np.max if direction == "max" else np.min
    ends = (float(finite[0]), float(best(finite)), float(finite[-1])) if len(finite) else (None, None, None)
    return Metric(c.tag, c.role, f"{c.tag!r} names it", direction, c.axis, len(c.values), *ends)


def finding(
    rule: str, severity: Severity, title: str, message: str, tags: tuple[str, ...], first: int | None, last: int | None,
    *, axis: Axis = "step", evidence: dict[str, Value] | None = None, related: tuple[str, ...] = (),
    causes: tuple[str, ...] = (), remedies: tuple[str, ...] = (), but: tuple[str, ...] = (),
    caused_by: str | None = None, confidence: float = 0.95, wall: float | None = None,
) -> Finding:  # fmt: skip
    return Finding(
        rule=rule, severity=severity, confidence=confidence, title=title, message=message, tags=tags, axis=axis,
        first_step=first, last_step=last, first_wall_time=wall, evidence=evidence or {}, counter_evidence=but,
        causes=causes, remedies=remedies, caused_by=caused_by, fingerprint=f"{rule}-0", related=related,
    )  # fmt: skip


LOG_NEXT = "Logging the accuracy on held-out data (val/accuracy) would settle one more: overconfidence."


def run(
    name: str, verdict: Verdict, headline: str, curves: tuple[Curve, ...], findings: tuple[Finding, ...] = (),
    *, wasted: float | None = None, last_good: int | None = None, seconds: float | None = 812.4,
    hparams: dict[str, str] | None = None, missing: tuple[NotChecked, ...] = MISSING, resume: Resume | None = None,
    waste: Waste | None = None, reading: Reading | None = None,
) -> RunReport:  # fmt: skip
    points = sum(len(c.values) for c in curves)
    steps = (int(min(c.steps.min() for c in curves)), int(max(c.steps.max() for c in curves))) if curves else None
    return RunReport(
        run=name, verdict=verdict, headline=headline,
        sources=(Source(name, f"{name}/events.out.tfevents.1735689600.a.1.0", "tensorboard", 54 * points, points),),
        steps=steps, wall_seconds=seconds, wasted_fraction=wasted, last_good_step=last_good,
        metrics=tuple(metric(c) for c in curves), findings=findings,
        clear=("zero-loss", "oscillating-loss", "loss-spike"), not_checked=missing,
        curves={c.tag: c for c in curves}, hparams=hparams or {}, resume=resume, waste=waste, reading=reading,
        root=next((f.rule for f in findings if f.caused_by is None), None), log_next=LOG_NEXT if missing else "",
    )  # fmt: skip


def falling(rng: np.random.Generator, n: int, start: float, end: float, noise: float = 0.08) -> np.ndarray:
    t = np.linspace(0, 1, n)
    return (end + (start - end) * np.exp(-6 * t)) * np.exp(noise * rng.standard_normal(n))


def healthy(name: str = "resnet18-seed1", seed: int = 1, hparams: dict[str, str] | None = None) -> RunReport:
    rng = np.random.default_rng(seed)
    steps, evals = np.arange(0, 10000, 20), np.arange(500, 10001, 500)
    curves = (
        curve("Loss/train", "train/loss", steps, falling(rng, 500, 2.31, 0.21)),
        curve("Loss/val", "val/loss", evals, falling(rng, 20, 1.4, 0.33, 0.02)),
        curve("Accuracy/val", "val/accuracy", evals, 1 - falling(rng, 20, 0.6, 0.09, 0.02)),
        curve("lr", "lr", steps, 1e-3 * 0.5 * (1 + np.cos(np.pi * steps / 10000))),
    )
    return run(name, "healthy", "Loss/val went from 1.38 to 0.331; nothing stands out.", curves, hparams=hparams)


def diverged(name: str = "sweep/lr-3e-2") -> RunReport:
    rng = np.random.default_rng(7)
    steps = np.arange(0, 52500, 75)
    n, onset, lost = len(steps), 434, 660
    loss = falling(rng, n, 6.9, 0.41, 0.06)
    loss[onset:] = 0.42 + 4.3 * (1 - np.exp(-np.linspace(0, 5, n - onset))) + 0.22 * rng.standard_normal(n - onset)
    loss[lost:] = np.nan
    norm = 0.6 * np.exp(0.35 * rng.standard_normal(n))
    norm[420:] *= np.exp(np.linspace(0, 4.6, n - 420))
    norm[640:] = np.inf
    norm[lost:] = np.nan
    lr = np.minimum(steps / 5000, 1) * 2.3e-4
    evals = np.arange(2500, 50000, 2500)
    val = np.interp(evals, steps, np.where(np.isfinite(loss), loss, 4.7)) + 0.1
    curves = (
        curve("train/loss", "train/loss", steps, loss),
        curve("eval/loss", "val/loss", evals, val),
        curve("train/grad_norm", "grad_norm", steps, norm),
        curve("train/learning_rate", "lr", steps, lr),
    )
    findings = (
        finding(
            "exploding-gradient", "error", "Exploding gradient",
            "train/grad_norm rose 70-fold from step 31,500 on, from 0.61 to infinity.",
            ("train/grad_norm",), 31500, 49500, related=("train/learning_rate",), wall=1735727112.0, confidence=0.97,
            evidence={"reference": 0.61, "largest": float("inf"), "ratio": 70.2, "lr_at_onset": 2.3e-4, "points": 700},
            causes=(
                "The learning rate stood at its maximum, 2.3e-4.",
                "No clipping is visible in the logged norm.",
            ),
            remedies=(
                "Go back to the checkpoint of step 30,000.",
                "Clip the gradient norm at about 2, three times its usual size.",
                "Lower the peak learning rate to 1e-4 or warm up longer.",
            ),
            but=("The held-out loss was measured every 2,500 steps only.",),
        ),
        finding(
            "diverging-loss", "error", "Diverging loss",
            "train/loss climbed from 0.41 to 4.7 from step 32,550 on and never came back.",
            ("train/loss", "eval/loss"), 32550, 52425, related=("train/grad_norm", "train/learning_rate"),
            evidence={"best": 0.3871, "tail": 4.6812, "rise_in_noise_units": 61.3}, caused_by="exploding-gradient",
            causes=("The gradient norm had risen 70-fold before.",), remedies=("Clip the gradient norm.",),
        ),
        finding(
            "nonfinite-loss", "error", "Loss not finite", "train/loss is NaN from step 49,500 to the end.",
            ("train/loss",), 49500, 52425, evidence={"nonfinite": 40, "last_finite": 4.71},
            caused_by="diverging-loss", confidence=1.0,
        ),
    )  # fmt: skip
    headline = (
        "train/grad_norm rose 70-fold from step 31,500 on, from 0.61 to infinity. "
        "It explains: diverging loss, loss not finite."
    )
    return run(
        name, "failed", headline, curves, findings, wasted=0.4, last_good=30000, seconds=41230.0,
        hparams={"lr": "2.3e-4", "batch_size": "256", "optimizer": "adamw"}, missing=MISSING[:2],
        waste=Waste("diverging-loss", "step", 31500, 20925, 16490.0, 8, 36.6),
        resume=Resume(
            "resume from checkpoint-30000 (step 30,000); checkpoint-40000 (step 40,000) and later are after the fault",
            Checkpoint(f"{name}/checkpoint-30000", 30000, None, 1 << 28),
            Checkpoint(f"{name}/checkpoint-40000", 40000, None, 1 << 28),
        ),
    )  # fmt: skip


def overfitting(
    name: str = "bert-base", seed: int = 3, best: int = 9, hparams: dict[str, str] | None = None
) -> RunReport:
    rng = np.random.default_rng(seed)
    epochs = np.arange(1, 41)
    t = epochs / 40
    val = 0.41 + 0.5 * np.exp(-9 * t) + 0.34 * np.maximum(0, t - best / 40) + 0.006 * rng.standard_normal(40)
    curves = (
        curve("loss", "train/loss", epochs, falling(rng, 40, 0.9, 0.03, 0.02), "epoch"),
        curve("val_loss", "val/loss", epochs, val, "epoch"),
        curve("val_accuracy", "val/accuracy", epochs, 0.86 - 0.3 * np.exp(-7 * t) - 0.03 * t, "epoch"),
    )
    one = finding(
        "widening-gap", "warning", "Widening gap",
        f"val_loss rose from 0.43 at epoch {best} to 0.68 at the end while loss went on falling to 0.03.",
        ("val_loss", "loss"), best, 40, axis="epoch", confidence=0.93,
        evidence={"best_val": 0.4312, "last_val": 0.6794, "rise_in_noise_units": 31.2, "generalisation_loss": 0.575},
        causes=("More capacity than the data can hold in check.", "No regularisation that grows with training."),
        remedies=(
            f"Restore the checkpoint of epoch {best}.",
            "Stop early, with a patience of 3 to 5 epochs.",
            "Add weight decay or augmentation.",
        ),
        but=("The accuracy fell by 2 % only.",),
    )  # fmt: skip
    missed = finding(
        "missed-early-stop", "info", "Early stop missed",
        f"{40 - best} of 40 epochs came after the best held-out loss.",
        ("val_loss",), best, 40, axis="epoch", evidence={"wasted": 40 - best}, caused_by="widening-gap", confidence=0.9,
    )  # fmt: skip
    return run(
        name, "suspect", f"{one.message} It explains: early stop missed.", curves, (one, missed),
        wasted=round((40 - best) / 39, 4), last_good=best, seconds=5012.0, hparams=hparams,
        waste=Waste("widening-gap", "epoch", best, 40 - best, 5012.0 * (40 - best) / 39),
        reading=Reading(
            "val_loss", "cross-entropy", "its name says so",
            "val_loss 0.679 reads as cross-entropy: the true class gets 51 % on average (geometric mean)", 2,
        ),
    )  # fmt: skip


def lr_zero(name: str = "frozen") -> RunReport:
    rng = np.random.default_rng(5)
    steps = np.arange(0, 3000, 10)
    curves = (
        curve("loss", "train/loss", steps, 2.3026 + 0.004 * rng.standard_normal(300)),
        curve("lr", "lr", steps, np.zeros(300)),
    )
    one = finding(
        "flat-loss", "error", "Flat loss",
        "loss never moved: it began at 2.3 and ended at 2.3; the learning rate is 0.",
        ("loss",), 0, 2990, related=("lr",), evidence={"head": 2.3031, "tail": 2.3024, "lr": 0.0, "constant": False},
        causes=("The learning rate is 0 from the first step to the last.",),
        remedies=("Set a learning rate above 0; check the scheduler's warm-up and the parameter groups.",),
        confidence=1.0,
    )  # fmt: skip
    waste = Waste("flat-loss", "step", 0, 2990, 812.4)
    return run(name, "failed", one.message, curves, (one,), wasted=1.0, hparams={"lr": "0.0"}, waste=waste)


HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "evil\u202egnp.exe\u2066",
    "esc\x1b[31mred\x07\x00nul",
    "lone\udce9surrogate\ud800",
    "pipe|`tick`|**bold**[link](javascript:alert(1))<!--",
    "@octocat fixes #1 https://example.org $x^2$ :tada: a_b_ __c__",
    "tag-" + "x" * 5000,
    "line\nbreak\r\n# heading\u2028para",
    "{{ 7*7 }}{% raw %}",
)


def hostile() -> Report:
    steps = np.arange(0, 100)
    runs = []
    for name in HOSTILE:
        c = curve(name, "train/loss", steps, np.linspace(2, 1, 100))
        one = finding(
            "flat-loss", "error", f"Flat {name}", f"{name} never moved", (name,), 3, 99, evidence={name: name, "n": 1},
            causes=(name,), remedies=(name,), but=(name,),
        )  # fmt: skip
        r = run(
            name, "failed", f"{name} never moved.", (c,), (one,), hparams={name: name}, missing=(NotChecked("x", name),)
        )
        runs.append(r)
    return Report(
        tuple(runs), (Group("sweep", HOSTILE, runs[0].findings),),
        tuple(Problem(name, "corrupt", name, offset=12, run=name) for name in HOSTILE),
        (RuleInfo("flat-loss", HOSTILE[0], "error", HOSTILE[1]),), "0.1.0",
    )  # fmt: skip


def sweep() -> Report:
    runs = [diverged("sweep/lr-3e-2")]
    for i in range(1, 40):
        name, hparams = f"sweep/lr-{i}e-5-seed{i % 3}", {"lr": f"{i}e-5", "seed": str(i % 3), "batch_size": "64"}
        if i % 6 == 0:
            runs.append(overfitting(name, i, 5 + i // 4, hparams))
        else:
            runs.append(healthy(name, i, hparams))
    explained = finding(
        "sweep-explained", "info", "What the sweep shows", "lr explains 81 % of the final val_loss; the best is 4e-5.",
        ("Loss/val",), None, None, evidence={"share": 0.81, "best_lr": 4e-5},
        remedies=("Search between 2e-5 and 8e-5.",),
    )  # fmt: skip
    problems = (
        Problem(
            "sweep/lr-3e-2/events.out.tfevents.1735689600.a.1.0", "truncated", "the last record is cut off", 812345
        ),
        Problem("sweep/notes.csv", "skipped", "no column of numbers"),
        Problem("sweep/metrics.jsonl", "corrupt", "not JSON: a value is missing", line=17),
    )
    return Report(tuple(runs), (Group("sweep", tuple(r.run for r in runs), (explained,)),), problems, RULES, "0.1.0")


def unknown() -> RunReport:
    few = curve("loss", "train/loss", np.arange(3), np.array([3.0, 2.0, 1.0]))
    return run("stub", "unknown", "Too little to judge: no loss or score with at least 8 points.", (few,), seconds=None)


def reports() -> dict[str, Report]:
    """Every sample by name."""
    single = {
        "healthy": healthy(),
        "diverged": diverged(),
        "overfitting": overfitting(),
        "lr-zero": lr_zero(),
        "unknown": unknown(),
    }
    made = {name: Report((one,), rules=RULES, version="0.1.0") for name, one in single.items()}
    few = Report((healthy(), overfitting(), lr_zero(), diverged(), unknown()), rules=RULES, version="0.1.0")
    return made | {"few": few, "sweep": sweep(), "hostile": hostile(), "empty": Report((), version="0.1.0")}
