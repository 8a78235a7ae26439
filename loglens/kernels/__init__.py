"""The registry of kernels: general array operations that rules are written in. A kernel holds no threshold.

Functions are named, not imported: to check or to explain rules takes their signatures only, and no NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from loglens.expr import Signature

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Kernel:
    """The signature that rules are checked against, and the function over arrays or its `module.name` in here."""

    signature: Signature
    target: Callable[..., Any] | str

    @property
    def function(self) -> Callable[..., Any]:
        """The function over arrays."""
        if not isinstance(self.target, str):
            return self.target
        module, _, name = self.target.partition(".")
        return getattr(import_module(f"loglens.kernels.{module}"), name)


def kernel(signature: str, target: Callable[..., Any] | str) -> Kernel:
    """A registry entry; see `Signature` for the notation."""
    return Kernel(Signature.parse(signature), target)


KERNELS: dict[str, Kernel] = {
    # of a series
    "has": kernel("series -> flag", "level.has"),
    "count": kernel("series -> number", "level.count"),
    "head": kernel("series -> number", "level.head"),
    "head_noise": kernel("series -> number", "level.head_noise"),
    "opening": kernel("series -> number", "level.opening"),
    "best": kernel("series -> number", "level.best"),
    "crest": kernel("series -> number", "level.crest"),
    "tail": kernel("series -> number", "level.tail"),
    "noise": kernel("series -> number", "level.noise"),
    "roughness": kernel("series -> number", "level.roughness"),
    "trend": kernel("series -> number", "level.trend"),
    "delta": kernel("series, number -> number", "level.delta"),
    "positive": kernel("series -> flag", "level.positive"),
    "lower_is_better": kernel("series -> flag", "level.lower_is_better"),
    "higher_is_better": kernel("series -> flag", "level.higher_is_better"),
    "natural": kernel("series, number -> number", "level.natural"),
    "constant": kernel("series -> flag", "level.constant"),
    "minimum": kernel("series -> number", "level.minimum"),
    "maximum": kernel("series -> number", "level.maximum"),
    "first_value": kernel("series -> number", "level.first_value"),
    "last_value": kernel("series -> number", "level.last_value"),
    "first_step": kernel("series -> number", "level.first_step"),
    "last_step": kernel("series -> number", "level.last_step"),
    "best_step": kernel("series -> number", "level.best_step"),
    "step_of_minimum": kernel("series -> number", "level.step_of_minimum"),
    "step_of_maximum": kernel("series -> number", "level.step_of_maximum"),
    "leaves_best": kernel("series, number -> number", "level.leaves_best"),
    "blocks_after_best": kernel("series -> number", "level.best_place"),
    "recent_best": kernel("series, number -> number", "level.recent_best"),
    "blocks": kernel("series -> blocks number", "level.blocks"),
    "reference": kernel("series -> number", "level.reference"),
    "middle": kernel("series -> number", "shape.middle"),
    "level_from": kernel("series, number, number=1 -> number", "shape.level_from"),
    "level_at_share": kernel("series, number -> number", "shape.level_at_share"),
    "trend_from": kernel("series, number -> number", "shape.trend_from"),
    "swing": kernel("series, number=0 -> number", "shape.swing"),
    "turns": kernel("series, number=0 -> number", "shape.turns"),
    "rank_correlation": kernel("series, series -> number", "shape.rank_correlation"),
    "level_before": kernel("series, number -> number", "evaluations.level_before"),
    "level_after": kernel("series, number -> number", "evaluations.level_after"),
    # of a series with few points
    "low": kernel("series -> number", "evaluations.low"),
    "low_step": kernel("series -> number", "evaluations.low_step"),
    "after_low": kernel("series -> number", "evaluations.after_low"),
    "finish": kernel("series -> number", "evaluations.finish"),
    "wiggle": kernel("series -> number", "evaluations.wiggle"),
    "climb": kernel("series -> number", "evaluations.climb"),
    "grain": kernel("series -> number", "evaluations.grain"),
    "distinct": kernel("series -> number", "evaluations.distinct"),
    "level_at": kernel("series, number -> number", "evaluations.level_at"),
    # of the course of the log
    "relogged": kernel("series -> records flag", "course.relogged"),
    "relogged_differs": kernel("series, number -> records flag", "course.relogged_differs"),
    "step_of_restart": kernel("series -> number", "course.step_of_restart"),
    "restart_shift": kernel("series, number=5 -> number", "course.restart_shift"),
    "longest_pause": kernel("series -> number", "course.longest_pause"),
    "usual_interval": kernel("series -> number", "course.usual_interval"),
    "step_of_pause": kernel("series -> number", "course.step_of_pause"),
    "sessions": kernel("series -> number", "course.sessions"),
    "usual_session": kernel("series -> number", "course.usual_session"),
    "starts_anew": kernel("series -> flag", "course.starts_anew"),
    "largest_gap": kernel("series -> number", "course.largest_gap"),
    "usual_step": kernel("series -> number", "course.usual_step"),
    "step_of_gap": kernel("series -> number", "course.step_of_gap"),
    # of points
    "records": kernel("series -> records number", "points.records"),
    "at": kernel("series, series -> points number", "points.at"),
    "nonfinite": kernel("points number -> like flag", "points.nonfinite"),
    "lag": kernel("points number, number -> like number", "points.lag"),
    "slope": kernel("points number, number -> like number", "points.slope"),
    "running_max": kernel("points number -> like number", "points.running_max"),
    "position": kernel("points number -> like number", "points.position"),
    "share": kernel("points flag -> number", "points.share"),
    "number": kernel("points flag -> number", "points.number"),
    "longest": kernel("points flag -> number", "points.longest"),
    "trailing": kernel("points flag -> number", "points.trailing"),
    "step_of_first": kernel("points flag -> number", "points.step_of_first"),
    "step_of_last": kernel("points flag -> number", "points.step_of_last"),
    "place_of_first": kernel("points flag -> number", "points.place_of_first"),
    "step_of_trailing": kernel("points flag -> number", "points.step_of_trailing"),
    "held_since": kernel("points flag, number -> number", "points.held_since"),
    "value_before": kernel("points number, number -> number", "points.value_before"),
    "share_of_last": kernel("points flag, number -> number", "points.share_of_last"),
    "surprise": kernel("series -> points number", "shape.surprise"),
    "surprise_at_most": kernel("series -> points number", "shape.surprise_at_most"),
    "local_scale": kernel("points number -> like number", "shape.local_scale"),
    "stands_out": kernel("points number, number -> like flag", "shape.stands_out"),
    "lower_tail": kernel("points number, number -> number", "shape.lower_tail"),
    "episodes": kernel("points flag, number=1 -> number", "shape.episodes"),
    # of points against one another, such as the members of a group
    "median": kernel("points number -> number", "members.median"),
    "deviation": kernel("points number -> number", "members.deviation"),
    "robust_deviation": kernel("points number -> number", "members.robust_deviation"),
    "largest_point": kernel("points number -> number", "members.largest_point"),
    "smallest_point": kernel("points number -> number", "members.smallest_point"),
    "others": kernel("points number -> like number", "members.others"),
    "others_deviation": kernel("points number -> like number", "members.others_deviation"),
    "lone_z": kernel("points number, number=0 -> like number", "members.lone_z"),
    "where_highest": kernel("points number, points number -> number", "members.where_highest"),
    "whose": kernel("points flag -> text", "members.whose"),
    # of blocks
    "trailing_blocks": kernel("blocks flag -> number", "points.trailing_blocks"),
    "step_of_trailing_blocks": kernel("blocks flag -> number", "points.step_of_trailing_blocks"),
}


# on any numbers of one shape, value by value; a missing value does not count in min and max
ELEMENTWISE: dict[str, Kernel] = {
    "min": kernel("numbers, numbers* -> same", "elementwise.smallest"),
    "max": kernel("numbers, numbers* -> same", "elementwise.largest"),
    "round": kernel("numbers -> same", "elementwise.rounded"),
    "abs": kernel("numbers -> same", "elementwise.without_sign"),
    "sqrt": kernel("numbers -> same", "elementwise.root"),
    "log": kernel("numbers -> same", "elementwise.logarithm"),
    "exp": kernel("numbers -> same", "elementwise.exponential"),
}

# over all candidates of a run, as the layers of a model
ACROSS: dict[str, Kernel] = {
    "run_max": kernel("number -> number", "across.largest"),
    "run_min": kernel("number -> number", "across.smallest"),
}


def signatures() -> dict[str, Signature]:
    """Every kernel's signature, those of installed packages too, for checking rules."""
    from loglens.plugins import add_installed_kernels

    add_installed_kernels()
    return {name: entry.signature for name, entry in {**KERNELS, **ELEMENTWISE, **ACROSS}.items()}
