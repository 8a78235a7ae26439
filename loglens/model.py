"""The values that travel through loglens. Plain frozen data; imports nothing of ours."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the schema of reports is read off these hints
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

Severity = Literal["info", "warning", "error"]
Verdict = Literal["failed", "suspect", "healthy", "unknown"]
Axis = Literal["step", "epoch", "row"]
Direction = Literal["min", "max"]
Objective = Literal["supervised", "rl", "gan", "elbo", "unknown"]
ProblemKind = Literal["truncated", "corrupt", "unreadable", "skipped", "missing", "error"]
Value = float | int | str | bool | None

SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")
AXES: tuple[Axis, ...] = ("step", "epoch", "row")


@dataclass(frozen=True, slots=True)
class Problem:
    """Damage or a skip, as data. `offset` is in bytes, `line` counts from 1; both null when they make no sense.

    `missing` is a loss that the last records lack, `error` one that the job printed at its end.
    """

    path: str
    kind: ProblemKind
    message: str
    offset: int | None = None
    line: int | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One file that a run was read from. `points` counts scalar records."""

    run: str
    path: str
    format: str
    bytes: int
    points: int


def _no_checkpoints() -> pl.DataFrame:
    import polars as pl

    kinds = {"run": pl.Categorical(), "path": pl.String(), **dict.fromkeys(("step", "epoch", "bytes"), pl.Int64())}
    return pl.DataFrame(schema=kinds)


@dataclass(frozen=True)
class Logs:
    """What was read, as Polars frames.

    scalars     run, tag, role (Categorical), step (Int64), wall_time (Float64, s since 1970 or null),
                value (Float64), segment (Int32, restart number): every record of every file, in run, tag,
                record order.
    metrics     run, tag, name (as logged), folder, role, role_reason, direction, stem (the name less its split
                words, which pairs train with val), axis, points: one row a series.
    histograms  run, tag, step, wall_time, segment, min, max, mean, std, count, zeros, low, high (shares of the
                count), edges (List), counts (List).
    hparams     run, name, value (String), number (Float64 or null), source (the file, or "run name").
    texts       run, tag, step, wall_time, text.
    checkpoints run, path, step and epoch (Int64, null where the name does not tell), bytes: files that were not opened.
    runs        run, files, bytes, points: one row a run; `names` are the runs' names.
    """

    scalars: pl.DataFrame
    metrics: pl.DataFrame
    histograms: pl.DataFrame
    hparams: pl.DataFrame
    texts: pl.DataFrame
    names: tuple[str, ...]
    sources: tuple[Source, ...] = ()
    problems: tuple[Problem, ...] = ()
    checkpoints: pl.DataFrame = field(default_factory=_no_checkpoints)

    @cached_property
    def runs(self) -> pl.DataFrame:
        """One row a run, in the order of `names`: run (Categorical), files, bytes and points (Int64)."""
        import polars as pl

        sums = {name: [0, 0, 0] for name in self.names}
        for source in self.sources:
            for i, more in enumerate((1, source.bytes, source.points)):
                sums[source.run][i] += more
        kinds = {"run": pl.Categorical(), **dict.fromkeys(("files", "bytes", "points"), pl.Int64())}
        return pl.DataFrame([(run, *counts) for run, counts in sums.items()], schema=kinds, orient="row")

    def __repr__(self) -> str:
        counts = ((len(self.names), "run"), (len(self.sources), "file"), (self.scalars.height, "value"))
        told = [f"{number:,} {noun}{'' if number == 1 else 's'}" for number, noun in counts]
        told += [f"{len(self.problems):,} problem{'' if len(self.problems) == 1 else 's'}"] if self.problems else []
        return f"<Logs: {', '.join(told)}>"

    def _repr_html_(self) -> str:
        """What was read, and a table of the runs, for notebooks."""
        return f"<p>{repr(self)[1:-1]}</p>{self.runs._repr_html_()}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint of a model beside a run. Step and epoch are null where its name does not tell."""

    path: str
    step: int | None
    epoch: int | None
    bytes: int


@dataclass(frozen=True, slots=True)
class Metric:
    """A series in the report. `first`, `best`, `last` are null for histograms and empty series.

    `tail` is the median of the last three evaluations and `noise` the robust standard deviation of one, both in the
    units of the series; null but for losses and scores.
    """

    tag: str
    role: str | None
    role_reason: str
    direction: Direction | None
    axis: Axis
    points: int
    first: float | None
    best: float | None
    last: float | None
    tail: float | None = None
    noise: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that fired on a run. Steps are on `axis`, the axis of `tags[0]`."""

    rule: str
    severity: Severity
    confidence: float
    title: str
    message: str
    tags: tuple[str, ...]
    axis: Axis
    first_step: int | None
    last_step: int | None
    first_wall_time: float | None
    evidence: Mapping[str, Value]
    counter_evidence: tuple[str, ...]
    causes: tuple[str, ...]
    remedies: tuple[str, ...]
    caused_by: str | None
    fingerprint: str
    related: tuple[str, ...] = ()  # tags of the suspected cause, drawn under the evidence on the same axis
    status: Literal["fired"] = "fired"
    doubts: tuple[str, ...] = ()  # what speaks against it; `counter_evidence` is what was ruled out
    state: Literal["new", "unchanged"] | None = None  # beside a baseline; null without one
    suppressed: str | None = None  # the reason for which the settings suppress it

    @property
    def counts(self) -> bool:
        """Whether it decides about the exit code: suppressed findings and those of the baseline do not."""
        return self.state != "unchanged" and self.suppressed is None


@dataclass(frozen=True, slots=True)
class Gone:
    """A finding of the baseline that is not there any more, and what became of it as far as is known."""

    run: str
    rule: str
    tag: str
    why: str


FIRED_ON_GROUP = "fired on the group that this run belongs to"  # a finding of its group: judged, not missed
ONLY_GROUPS = "Only rules about groups of runs were selected."  # the headline of a run that none of them is about
ABOUT_GROUPS = "about groups of runs"  # until the groups are judged
NEEDS_SEVERAL = "needs several runs"  # the reason for which no rule about groups judges a run that is alone


@dataclass(frozen=True, slots=True)
class NotChecked:
    """A rule that could not judge a run, and why."""

    rule: str
    reason: str


@dataclass(frozen=True, eq=False, slots=True)
class Curve:
    """A series reduced for drawing: at most 700 points, extremes and non-finite values kept."""

    tag: str
    role: str | None
    axis: Axis
    steps: np.ndarray  # int64 (points,)
    values: np.ndarray  # float64 (points,), may hold NaN and infinities


@dataclass(frozen=True, slots=True)
class Waste:
    """What a run spent after `after`, on `axis`: from then on it was lost, says the finding of `rule`.

    `seconds` is null without wall times, `gpu_hours` unless the hyper-parameters say how many devices there were.
    """

    rule: str
    axis: Axis
    after: int
    steps: int
    seconds: float | None = None
    devices: int | None = None
    gpu_hours: float | None = None


@dataclass(frozen=True, slots=True)
class Resume:
    """Where to go on from: the newest checkpoint at or before the last good step, and the first one after it.

    `text` says it in a sentence; the checkpoints are null where their names do not tell.
    """

    text: str
    checkpoint: Checkpoint | None = None
    later: Checkpoint | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What kind a loss is, how that is known, and what its value means, in a sentence.

    `classes` is the number of classes or the size of the vocabulary, null where it is not known.
    """

    tag: str
    kind: Literal["cross-entropy", "regression", "negative", "unknown"]
    reason: str
    text: str
    classes: int | None = None


@dataclass(frozen=True)
class RunReport:
    """Everything that leaves the analysis of one run.

    `root` is the rule of the finding that the story begins with; `last_good_step` is on that finding's axis.
    """

    run: str
    verdict: Verdict
    headline: str
    sources: tuple[Source, ...]
    steps: tuple[int, int] | None
    wall_seconds: float | None
    wasted_fraction: float | None
    last_good_step: int | None
    metrics: tuple[Metric, ...]
    findings: tuple[Finding, ...]
    clear: tuple[str, ...]
    not_checked: tuple[NotChecked, ...]
    curves: Mapping[str, Curve] = field(default_factory=dict)
    hparams: Mapping[str, str] = field(default_factory=dict)
    checkpoints: tuple[Checkpoint, ...] = ()
    root: str | None = None
    waste: Waste | None = None
    resume: Resume | None = None
    objective: Objective = "unknown"
    reading: Reading | None = None
    log_next: str = ""  # the columns that would settle most of what was not checked, as a sentence; empty without


@dataclass(frozen=True)
class Group:
    """Runs that belong together, and what was found about them as a group.

    `wall_seconds`, `wasted_seconds` and `wasted_gpu_hours` are sums over the runs of which they are known.
    """

    kind: Literal["sweep", "folds", "restarts"]
    runs: tuple[str, ...]
    findings: tuple[Finding, ...]
    wall_seconds: float | None = None
    wasted_seconds: float | None = None
    wasted_gpu_hours: float | None = None
    text: str = ""  # of restarts: which run went on from which, and what was logged twice


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """The text of a rule, for people."""

    id: str
    title: str
    severity: Severity
    why: str
    causes: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts over the whole report; of a chain of findings the cause alone counts."""

    runs: int
    failed: int
    suspect: int
    healthy: int
    unknown: int
    errors: int
    warnings: int
    infos: int
    files: int
    wall_seconds: float | None = None  # sums over the runs of which they are known
    wasted_seconds: float | None = None
    wasted_gpu_hours: float | None = None
