"""How far the rules can be trusted: scores them on a folder of labelled runs.

    python benchmarks/detection.py runs/                          F1 of every rule, alarms on healthy runs, onset errors
    python benchmarks/detection.py runs/ --labels elsewhere.jsonl --sensitivity --folds task

The labels are JSON lines, one a run; docs/detection.md says what they hold and what the figures mean.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import loglens
from loglens.engine import judge
from loglens.grouping import group_runs
from loglens.model import SEVERITIES
from loglens.ruleset import load_rules
from loglens.series import series_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from loglens.model import Finding, RunReport
    from loglens.rule import Rule
    from loglens.series import SeriesSet


@dataclass(frozen=True)
class Label:
    """What is known of a run."""

    run: str
    healthy: bool | None
    must: frozenset[str]
    may: frozenset[str]
    any_of: frozenset[str]
    must_not: frozenset[str]
    onsets: dict[str, int | None]
    length: int
    meta: dict[str, Any]


@dataclass
class Score:
    """Counts by rule (tp, fp, fn), and what is read off whole runs."""

    rules: dict[str, Counter[str]] = field(default_factory=dict)
    healthy: int = 0
    alarmed: Counter[str] = field(default_factory=Counter)  # severity → healthy runs alarmed so or worse
    any_of: Counter[bool] = field(default_factory=Counter)
    trapped: int = 0
    onset_errors: list[float] = field(default_factory=list)
    onsets_due: int = 0

    @property
    def total(self) -> Counter[str]:
        return sum(self.rules.values(), Counter())

    @property
    def judged(self) -> dict[str, Counter[str]]:
        """The rules that some run must show."""
        return {rule: c for rule, c in self.rules.items() if c["tp"] + c["fn"]}

    @property
    def macro_f1(self) -> float:
        return sum(map(f1, self.judged.values())) / max(len(self.judged), 1)


Found = dict[str, "Finding"]  # rule → its most severe finding


def f1(counts: Counter[str]) -> float:
    """Harmonic mean of precision and recall; 0 where there is nothing to find."""
    return 2 * counts["tp"] / max(2 * counts["tp"] + counts["fp"] + counts["fn"], 1)


def read_labels(path: Path) -> list[Label]:
    return [_label(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _label(row: dict[str, Any]) -> Label:
    must, may, any_of, must_not = (frozenset(row.get(key) or ()) for key in ("must", "may", "any_of", "must_not"))
    onsets, length, meta = row.get("onsets") or {}, row.get("length") or 0, row.get("meta") or {}
    return Label(row["run"], row.get("healthy"), must, may, any_of, must_not, onsets, length, meta)


def rank(severity: str) -> int:
    return SEVERITIES.index(severity)


def found_by_label(labels: Sequence[Label], findings: Iterable[tuple[str, Finding]]) -> dict[str, Found]:
    """Labelled folder → rule → the most severe finding of the runs in it."""
    found: dict[str, Found] = {label.run: {} for label in labels}
    for run, finding in findings:
        parts = run.split("/")
        owner = next((name for k in range(len(parts), 0, -1) if (name := "/".join(parts[:k])) in found), None)
        old = found[owner].get(finding.rule) if owner is not None else None
        if owner is not None and (old is None or rank(finding.severity) > rank(old.severity)):
            found[owner][finding.rule] = finding
    return found


def outcome(label: Label, rule: str, fired: bool, vocabulary: frozenset[str]) -> str:
    """tp, fn or fp; empty where it does not count."""
    if rule in label.must:
        return "tp" if fired else "fn"
    if not fired or rule not in vocabulary or (rule in label.may | label.any_of and rule not in label.must_not):
        return ""
    return "fp" if label.healthy is not None or rule in label.must_not else ""


def score(labels: Sequence[Label], found: dict[str, Found]) -> Score:
    out = Score()
    vocabulary = words(labels)
    for label in labels:
        mine = found[label.run]
        for rule in label.must | set(mine):
            if result := outcome(label, rule, rule in mine, vocabulary):
                out.rules.setdefault(rule, Counter())[result] += 1
        out.trapped += len(label.must_not & set(mine))
        if label.any_of:
            out.any_of[bool(label.any_of & set(mine))] += 1
        if label.healthy:
            out.healthy += 1
            worst = max((rank(f.severity) for rule, f in mine.items() if rule not in label.may), default=-1)
            out.alarmed.update(SEVERITIES[: worst + 1])
        errors = list(_onset_errors(label, mine))
        out.onsets_due += len(errors)
        out.onset_errors += [error for error in errors if error is not None]
    out.onset_errors.sort()
    return out


def words(labels: Sequence[Label]) -> frozenset[str]:
    """The rules that the labels speak of; others cannot be right or wrong."""
    return frozenset[str]().union(*(label.must | label.may | label.any_of | label.must_not for label in labels))


def _onset_errors(label: Label, found: Found) -> Iterator[float | None]:
    """Distance of each onset from the true one, as a share of the run; None where none was given."""
    for rule in sorted(label.must & set(found)):
        onset, step = label.onsets.get(rule), found[rule].first_step
        if onset is not None and label.length:
            yield None if step is None else abs(step - onset) / label.length


# --- tables -----------------------------------------------------------------------------------------------------------


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join("---" if i == 0 else "--:" for i in range(len(head))) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows)])


def overview(result: Score) -> str:
    total, errors = result.total, result.onset_errors
    given = f"given for {len(errors)} of {result.onsets_due}"
    onset = f"{errors[len(errors) // 2]:.1%}, {errors[int(len(errors) * 0.9)]:.1%}; {given}" if errors else "none"
    rows = [
        ("macro F1, micro F1", f"{result.macro_f1:.3f}, {f1(total):.3f}"),
        ("precision, recall", f"{ratio(total, 'fp'):.3f}, {ratio(total, 'fn'):.3f}"),
        *(
            (f"healthy runs alarmed: {severity} or worse", f"{result.alarmed[severity]} of {result.healthy}")
            for severity in SEVERITIES[1:]
        ),
        ("onset error as a share of the run: median, 90th percentile", onset),
        ("one of several named", f"{result.any_of[True]} of {result.any_of.total()}"),
        ("traps that fired", result.trapped),
    ]
    return table(("figure", "value"), rows)


def ratio(counts: Counter[str], wrong: str) -> float:
    return counts["tp"] / max(counts["tp"] + counts[wrong], 1)


def by_rule(result: Score) -> str:
    rows = [
        (f"`{rule}`", f"{f1(c):.2f}" if c["tp"] + c["fn"] else "", c["tp"], c["fp"], c["fn"])
        for rule, c in sorted(result.rules.items())
    ]
    return table(("rule", "F1", "found", "false", "missed"), rows)


def by_fold(labels: Sequence[Label], found: dict[str, Found], key: str) -> str:
    """The figures of each part of the runs, and of all but it: nothing is fitted, so they show the spread only."""
    groups: dict[str, list[Label]] = {}
    for label in labels:
        groups.setdefault(str(label.meta.get(key, "")), []).append(label)
    rows = []
    for name, members in sorted(groups.items()):
        one, rest = score(members, found), score([label for label in labels if label not in members], found)
        rows.append((name or "(not said)", len(members), *_figures(one), *_figures(rest)))
    head = (key, "runs", "macro F1", "micro F1", "healthy alarmed", "macro F1", "micro F1", "healthy alarmed")
    return table((*head[:5], *(f"without: {name}" for name in head[5:])), rows)


def _figures(result: Score) -> tuple[str, str, str]:
    has = bool(result.judged)
    alarmed = f"{result.alarmed['warning']} of {result.healthy}" if result.healthy else ""
    return f"{result.macro_f1:.3f}" if has else "", f"{f1(result.total):.3f}" if has else "", alarmed


@dataclass(frozen=True)
class Try:
    """What one rule with one set of parameters does to every labelled run."""

    outcomes: dict[str, str]  # run → tp, fp, fn or nothing
    alarms: frozenset[str]  # healthy runs on which it gives a false warning or error

    def on(self, labels: Iterable[Label]) -> tuple[Counter[str], int]:
        chosen = [label.run for label in labels]
        return Counter(self.outcomes[run] for run in chosen), len(self.alarms.intersection(chosen))


def tried(labels: Sequence[Label], series: SeriesSet, runs: Sequence[RunReport], rule: Rule) -> Try:
    """One rule alone; a rule about groups sees the runs as all rules told them."""
    pairs: Iterable[tuple[str, Finding]]
    if rule.scope == "run":
        pairs = ((run, f) for run, j in zip(series.runs, judge(series, [rule]), strict=True) for f in j.findings)
    else:
        pairs = ((run, f) for group in group_runs(runs, [rule])[1] for run in group.runs for f in group.findings)
    found, vocabulary = found_by_label(labels, pairs), words(labels)
    outcomes = {label.run: outcome(label, rule.id, rule.id in found[label.run], vocabulary) for label in labels}
    loud = (
        label.run
        for label in labels
        if label.healthy and rule.id not in label.may and (f := found[label.run].get(rule.id)) and f.severity != "info"
    )
    return Try(outcomes, frozenset(loud))


def scaled(value: float, by: float) -> float:
    """The value times `by`; of a share or score from 0.5 to 1, which cannot grow past 1, the odds times that."""
    if not 0.5 <= value < 1:
        return value * by
    odds = by * value / (1 - value)
    return odds / (1 + odds)


def sensitivity(labels: Sequence[Label], rules: Iterable[Rule], attempt: Callable[[Rule], Try]) -> str:
    """F1 and false alarms of each rule with each of its parameters halved and doubled, where that changes anything."""
    rows, tried_in_all = [], 0
    for rule in rules:
        now = attempt(rule).on(labels)
        for parameter in rule.parameters:
            value = rule.parameter(parameter.name)
            half, double = (
                attempt(rule.with_settings({parameter.name: scaled(value, by)})).on(labels) for by in (0.5, 2)
            )
            results, tried_in_all = (half, now, double), tried_in_all + 1
            if half == now == double:
                continue
            shown = [f"{f1(c):.2f}" if c["tp"] + c["fn"] else "" for c, _ in results]
            rows.append((f"`{rule.id}.{parameter.name}`", f"{value:g}", *shown, *(alarms for _, alarms in results)))
    shown_rows = table(("parameter", "default", "F1 ÷ 2", "F1", "F1 × 2", "false ÷ 2", "false", "false × 2"), rows)
    return f"{shown_rows}\n\nThe other {tried_in_all - len(rows)} of {tried_in_all} parameters change nothing here."


FACTORS = (1.0, 0.5, 0.7, 1.4, 2.0)  # of the default; of equally good ones the first is taken


def cross_validated(labels: Sequence[Label], rules: Iterable[Rule], attempt: Callable[[Rule], Try], key: str) -> str:
    """Each rule's main (first) parameter chosen on all folds but one, and judged on that one; fold after fold."""
    folds = {fold: [x for x in labels if str(x.meta.get(key, "")) == fold] for fold in _folds(labels, key)}
    plain, chosen = Score(), Score()
    alarmed: dict[str, set[str]] = {"plain": set(), "chosen": set()}
    moved: Counter[str] = Counter()
    for rule in rules:
        main = rule.parameters[:1]
        tries = [
            attempt(rule.with_settings({p.name: scaled(rule.parameter(p.name), by) for p in main})) for by in FACTORS
        ]
        for members in folds.values():
            rest = [label for label in labels if label not in members]
            best = max(tries, key=lambda one: _worth(one, rest))
            moved[rule.id] += best is not tries[0]
            for name, result, one in (("plain", plain, tries[0]), ("chosen", chosen, best)):
                result.rules.setdefault(rule.id, Counter()).update(one.on(members)[0])
                alarmed[name] |= one.alarms & {label.run for label in members}
    for result in (plain, chosen):
        result.rules = {rule: +Counter({k: c[k] for k in ("tp", "fp", "fn")}) for rule, c in result.rules.items()}
    head = ("main parameters", "macro F1", "micro F1", "healthy runs falsely warned of")
    rows = [
        (name, f"{result.macro_f1:.3f}", f"{f1(result.total):.3f}", len(alarmed[which]))
        for which, name, result in (("plain", "as shipped", plain), ("chosen", "chosen on the other folds", chosen))
    ]
    others = ", ".join(f"`{rule}` ({n})" for rule, n in sorted(moved.items()) if n) or "none"
    return f"{table(head, rows)}\n\nIn some of the {len(folds)} folds another value was chosen for: {others}."


def _folds(labels: Sequence[Label], key: str) -> list[str]:
    return sorted({str(label.meta.get(key, "")) for label in labels})


def _worth(one: Try, labels: Sequence[Label]) -> tuple[int, float]:
    """Fewest false alarms first, then F1."""
    counts, alarms = one.on(labels)
    return -alarms, f1(counts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--labels", type=Path, help="JSON lines; labels.jsonl in the folder unless said")
    parser.add_argument("--sensitivity", action="store_true", help="each parameter of each rule halved and doubled")
    parser.add_argument("--folds", metavar="KEY", help="spread and cross-validation over this key of the meta")
    options = parser.parse_args()
    place = options.labels or options.folder / "labels.jsonl"
    logs = loglens.read(options.folder, exclude=[place.name])  # the labels are no log
    labels = read_labels(place)
    report = loglens.analyze(logs)
    pairs = [(run.run, finding) for run in report.runs for finding in run.findings]
    of_groups = [(run, finding) for group in report.groups for run in group.runs for finding in group.findings]
    found = found_by_label(labels, [*pairs, *of_groups])
    result = score(labels, found)
    print(overview(result), by_rule(result), sep="\n\n")
    series = series_of(logs)
    rules = [rule for rule in load_rules().rules if rule.id in words(labels)]

    def attempt(rule: Rule) -> Try:
        return tried(labels, series, report.runs, rule)

    if options.folds:
        print("", by_fold(labels, found, options.folds), sep="\n")
        print("", cross_validated(labels, rules, attempt, options.folds), sep="\n")
    if options.sensitivity:
        print("", sensitivity(labels, rules, attempt), sep="\n")


if __name__ == "__main__":
    main()
