"""What pages show, through Jinja2 templates. Every output of a template is made visible and escaped at one place,
`environment`; a template cannot forget it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup, escape

from loglens.numbers import human, percent
from loglens.reporters import asides, charts, clean, outline, sparks
from loglens.reporters.templating import new_environment, path_data
from loglens.reporters.text import place_of
from loglens.settings import is_learning_rate, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from jinja2 import Environment

    from loglens.model import Finding, Metric, RuleInfo, RunReport
    from loglens.report import Report
    from loglens.reporters.charts import Chart
    from loglens.reporters.outline import Chain, Theme
    from loglens.reporters.sparks import Spark

TOP = 24  # evidence pictures of a page
FULL = 1  # findings of one theme shown open; the others are a list that unfolds
OPEN_RUNS = 12  # healthy runs beyond so many are folded
ROWS = 1000  # runs in the table, worst first; a browser slows down on more
ENTRIES = 40  # runs told in full for one theme; of the others the sentence
NAMED = 1000  # runs beyond those, told in a sentence
HPARAMS = 4  # hyper-parameters that differ, as columns


@dataclass(frozen=True)
class Entry:
    """A finding as a page shows it."""

    run: RunReport
    finding: Finding
    anchor: str
    chart: Chart | None
    numbers: tuple[tuple[str, str], ...]
    rule: RuleInfo | None
    effects: tuple[Entry, ...] = ()
    picture: str = ""  # file name of the chart without its ending, for formats that cannot hold it


@dataclass(frozen=True)
class Section:
    """A theme with its entries."""

    theme: Theme
    entries: tuple[Entry, ...]
    shown: int
    named: tuple[Chain, ...]  # chains beyond those told in full


@dataclass(frozen=True)
class Row:
    """A run in the table of runs."""

    run: RunReport
    anchor: str
    spark: Spark | None
    chain: Chain | None
    target: str  # anchor of its first finding
    numbers: tuple[str, ...]
    hparams: tuple[str, ...]


def entries_of(view: Mapping[str, Any]) -> list[Entry]:
    """Roots and effects, in the order of the sections."""
    return [e for section in view["sections"] for entry in section.entries for e in (entry, *entry.effects)]


def view_of(report: Report, top: int) -> dict[str, Any]:
    """Everything a template may show, in order."""
    anchors = clean.slugs(run.run for run in report.runs)
    drawn = {(id(run), finding.rule) for run, finding in outline.pictured(report, top)}
    rules = {rule.id: rule for rule in report.rules}

    def anchor_of(run: RunReport, finding: Finding) -> str:
        return f"{anchors[run.run]}.{clean.slug(finding.rule)}"

    def entry(run: RunReport, finding: Finding, effects: tuple[Finding, ...] = (), effect: bool = False) -> Entry:
        chart = charts.chart_of(run, finding, alone=effect) if (id(run), finding.rule) in drawn else None
        inner = tuple(entry(run, each, effect=True) for each in effects)
        stem = f"{clean.slug(run.run, 40)}-{clean.slug(finding.rule, 30)}"
        picture = f"{stem}-{clean.digest(run.run + chr(0) + finding.rule)}"
        anchor = anchor_of(run, finding)
        return Entry(run, finding, anchor, chart, _numbers(finding), rules.get(finding.rule), inner, picture)

    themes = outline.themes_of(report)
    sections = [
        Section(t, tuple(entry(c.run, c.root, c.effects) for c in t.chains[:ENTRIES]), FULL, t.chains[ENTRIES:])
        for t in themes
    ]
    lead = outline.lead_of(report)
    lead_entry = next(
        (e for s in sections for e in s.entries if lead and (e.run, e.finding) == (lead.run, lead.root)), None
    )
    told = {e.anchor for s in sections for e in s.entries}
    told |= {anchor_of(c.run, c.root) for s in sections for c in s.named[:NAMED]}
    metrics, varied = _columns(report), _varied(report.runs)
    rows = [_row(run, anchors, told, metrics, varied) for run in outline.worst_first(report.runs)[:ROWS]]
    loud = [r for r in rows if r.run.verdict != "healthy"]
    calm = [r for r in rows if r.run.verdict == "healthy"]
    room = len(calm) if len(calm) <= OPEN_RUNS else 0 if loud else OPEN_RUNS
    return {
        "report": report,
        "total": report.summary,
        "verdict": outline.verdict_line(report),
        "tally": outline.tally(report),
        "narrowed": outline.narrowed(report),
        "worst": next((v for v in outline.ORDER if getattr(report.summary, v)), "unknown"),
        "bar": [(v, getattr(report.summary, v)) for v in outline.ORDER if getattr(report.summary, v)],
        "lead": lead_entry,
        "story": charts.story_of(lead) if lead and top else None,
        "lead_facts": _facts(lead_entry) if lead_entry else (),
        "course": charts.course_of(rows[0].run) if rows and lead_entry is None and len(rows) == 1 else None,
        "sections": sections,
        "rows": rows,
        "index": {run.run: number for number, run in enumerate(r.run for r in rows)},
        "unlisted": len(report.runs) - len(rows),
        "loud": loud + calm[:room],
        "calm": calm[room:],
        "metric_names": [name for name, _ in metrics],
        "hparam_names": varied,
        "groups": [(g, tuple((f, _numbers(f)) for f in g.findings)) for g in report.groups],
        "problems": sorted(report.problems, key=lambda p: p.kind == "skipped"),
        "gaps": outline.gaps_of(report),
        "coverage": outline.coverage_of(report),
        "anchors": anchors,
        "anchor_of": anchor_of,
        "named": NAMED,
    }


def _numbers(finding: Finding) -> tuple[tuple[str, str], ...]:
    return tuple((clean.label(key), clean.value(value)) for key, value in finding.evidence.items())


def _facts(entry: Entry) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """(label, value, remarks) of what a reader asks first."""
    run, finding = entry.run, entry.finding
    facts: list[tuple[str, str, tuple[str, ...]]] = []
    if where := outline.where(finding):
        place = (_share(run, finding), clean.moment(finding.first_wall_time))
        facts.append(("First bad", where, tuple(filter(None, place))))
    if run.last_good_step is not None:
        facts.append(("Last good", f"{finding.axis} {clean.whole(run.last_good_step)}", ()))
    if run.resume is not None:
        best = run.resume.checkpoint
        facts.append(("Go on from", clean.name(best.path, 40) if best else "no checkpoint", (run.resume.text,)))
    if told := asides.lost(run):
        share, _, rest = told.partition(", ")
        facts.append(("Lost", share, (rest,)))
    facts.append(("Confidence", percent(finding.confidence), (f"rule {finding.rule}",)))
    return tuple(facts)


def _share(run: RunReport, finding: Finding) -> str:
    """How far into the run the onset lies, by the steps of the series that shows it."""
    curve = run.curves.get(finding.tags[0]) if finding.tags else None
    if curve is None or curve.axis != finding.axis or finding.first_step is None or not len(curve.steps):
        return ""
    low, high = int(curve.steps.min()), int(curve.steps.max())
    if not low <= finding.first_step <= high or low == high:
        return ""
    return (
        f"{percent((finding.first_step - low) / (high - low))} into the run"
        if finding.first_step > low
        else "from the start"
    )


_COLUMNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("train loss", ("train/loss",)),
    ("val loss", ("val/loss", "test/loss")),
    ("val score", ("val/accuracy", "val/f1", "val/auc", "val/balanced_accuracy", "val/metric", "val/perplexity")),
    ("reward", ("reward",)),
)


def _columns(report: Report) -> list[tuple[str, tuple[str, ...]]]:
    """Name and roles of the metrics that any run has."""
    roles = {m.role for run in report.runs for m in run.metrics if m.last is not None}
    return [(name, wanted) for name, wanted in _COLUMNS if roles & set(wanted)]


def _metric(run: RunReport, roles: Iterable[str]) -> Metric | None:
    for role in roles:
        found = [m for m in run.metrics if m.role == role and m.last is not None]
        if found:
            return max(found, key=lambda m: m.points)
    return None


def _varied(runs: tuple[RunReport, ...]) -> list[str]:
    """The first hyper-parameters that differ between runs and are set in at least half of them; learning rates lead."""
    if len(runs) < 2:
        return []
    told = [{name: run.hparams[name] for name in settings_of(run) if name in run.hparams} for run in runs]
    counts = Counter(name for each in told for name in each)
    common = sorted((n for n in counts if 2 * counts[n] >= len(runs)), key=lambda n: (not is_learning_rate(n), n))
    return [n for n in common if len({each.get(n) for each in told}) > 1][:HPARAMS]


def _last(run: RunReport, metric: Metric) -> str:
    """The last value as logged, NaN included; the series itself tells only the last finite one."""
    curve = run.curves.get(metric.tag)
    lost = curve is not None and len(curve.values) and not isfinite(curve.values[-1])
    return human(float(curve.values[-1]) if curve is not None and lost else metric.last)


def _row(
    run: RunReport,
    anchors: Mapping[str, str],
    told: set[str],
    metrics: list[tuple[str, tuple[str, ...]]],
    varied: list[str],
) -> Row:
    chains = outline.chains_of(run)
    chain = chains[0] if chains else None
    numbers = []
    for _, roles in metrics:
        found = _metric(run, roles)
        numbers += [_last(run, found), human(found.best)] if found else ["–", "–"]
    target = f"{anchors[run.run]}.{clean.slug(chain.root.rule)}" if chain else ""
    return Row(
        run=run,
        anchor=anchors[run.run],
        spark=sparks.spark_of(run, chain.root if chain else None),
        chain=chain,
        target=target if target in told else "",
        numbers=tuple(numbers),
        hparams=tuple(clean.setting(run.hparams.get(name, "–")) for name in varied),
    )


def for_html(value: Any) -> Any:
    """A value as a page shows it; what is marked as HTML stays."""
    return value if isinstance(value, Markup) else clean.visible(value)


def for_markdown(value: Any) -> Markup:
    """A value as Markdown shows it; what is marked as safe stays."""
    return value if isinstance(value, Markup) else escape_markdown(clean.visible(value))


# what starts emphasis, code, links, tables, mathematics, mentions, issue links, emoji and bare links
_SPECIAL = re.compile(r"[\\`*\[\]|~<>&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_BARE_LINK = re.compile(r"(?<=@)|(?<=:)(?=//|\w+:|\w+@)|(?<=\bwww)(?=\.)", re.IGNORECASE)
_LINKING = re.compile(r"[@#$]|:(?=//|\w+:)|(?<=\bwww)\.")


def escape_markdown(text: str) -> Markup:
    """`text` as GitHub-flavoured Markdown that shows just these characters, in a paragraph or a table's cell."""
    safe = _SPECIAL.sub(lambda m: f"&#{ord(m[0])};", text)
    # a character reference begins with & and #: only signs that stood in the text itself may be touched
    parts = re.split(r"(&#\d+;)", safe)
    split = [p if i % 2 else _LINKING.sub(_unlinked, p) for i, p in enumerate(parts)]
    return Markup("".join(split))  # escaped just above


def _unlinked(match: re.Match[str]) -> str:
    return "<span>$</span>" if match[0] == "$" else f"{match[0]}<!-- -->"


def _code(text: object) -> Markup:
    """A name in Markdown as code: an HTML element, since no fence of backticks is safe from every name."""
    parts = _BARE_LINK.split(clean.name(text))  # GitHub makes links of bare addresses inside of elements, too
    shown = [re.sub(r"[^a-zA-Z0-9 ./:=,()+-]", lambda m: f"&#{ord(m[0])};", part) for part in parts]
    return Markup(f"<code>{'<!-- -->'.join(shown)}</code>")  # escaped just above


def _alt(text: object) -> Markup:
    """The text of a picture in Markdown."""
    return Markup(re.sub(r"[^\w .,;:()/%+×–-]", lambda m: f"&#{ord(m[0])};", clean.visible(text, 300)))


def _name(text: object, limit: int = clean.NAME_LIMIT) -> Markup:
    """A name in HTML, kept from reordering its neighbours; the full name is in the title when it was cut."""
    return _bdi(text, limit, [clean.name(text, limit)])


def _parted(text: object, limit: int = clean.NAME_LIMIT) -> Markup:
    """A name as of `_name` that may break after its separators."""
    return _bdi(text, limit, re.split(r"(?<=[/_=,])(?=[\w.])", clean.name(text, limit)))


def _bdi(text: object, limit: int, parts: Sequence[str]) -> Markup:
    full = clean.visible(text, 400)
    title = Markup(' title="{}"').format(full) if clean.name(text, limit) != full else Markup("")
    return Markup("<bdi{}>{}</bdi>").format(title, Markup("<wbr>").join(parts))


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


@cache
def environment(finish: Callable[[Any], Any], folder: str | None = None) -> Environment:
    """Templates in which every value is cleaned by `finish`, then escaped; those of `folder` before ours."""
    made = new_environment(finish, folder)
    dress(made)
    return made


def dress(environment: Environment) -> None:
    """Give an environment the filters and functions of our templates."""
    environment.filters |= {
        "px": _px, "whole": clean.whole, "count": clean.count, "percent": percent, "human": human, "size": clean.size,
        "duration": clean.duration, "name": _name, "code": _code, "alt": _alt, "sentence": clean.sentence,
        "url": quote, "plain": clean.name, "parted": _parted, "path": path_data,
    }  # fmt: skip
    environment.globals |= {
        "where": outline.where,
        "marked": outline.marked,
        "settled": outline.settled,
        "place_of": place_of,
        "cost": outline.cost,
        "escape": escape,
        "asides": asides.asides,
        "spent": asides.spent,
        "log_next": asides.log_next,
    }
    environment.globals |= {
        "order": {verdict: place for place, verdict in enumerate(outline.ORDER)},
        "numbers_of": _numbers,
    }
