"""Every kernel, by its signature: any batch goes in, one value a run comes out, whatever other runs are beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from batches import arg, batches
from hypothesis import given, settings
from numpy.testing import assert_allclose

from loglens.kernels import ELEMENTWISE, KERNELS
from loglens.kernels.values import BlocksArg, PointsArg
from loglens.series import SeriesSet

if TYPE_CHECKING:
    from loglens.kernels import Kernel

ROLES = ("train/loss", "lr")
RESULTS = {"number", "flag", "text", "same", "like", "points", "records", "blocks"}


def make(want: str, series: SeriesSet, i: int) -> Any:
    x = arg(series, ROLES[min(i, 1)] if want == "series" else ROLES[0])  # points lie side by side
    if want == "series":
        return x
    if want in ("number", "numbers"):
        return np.full(len(x.index), 0.3 + 0.2 * i)
    if want.startswith("points"):
        return PointsArg(x.records.layout, x.records.value > 0.5 if want.endswith("flag") else x.records.value)
    medians = x.pick(lambda f: f.blocks.median)
    return BlocksArg(x, medians > 0.5 if want.endswith("flag") else medians)


def call(kernel: Kernel, series: SeriesSet) -> Any:
    with np.errstate(all="ignore"):  # as it is evaluated; any other warning is an error
        return kernel.function(*(make(want, series, i) for i, want in enumerate(kernel.signature.params)))


def of_run(result: Any, run: int) -> np.ndarray:
    if isinstance(result, PointsArg):
        first = result.layout.start[run]
        return result.value[first : first + result.layout.count[run]]
    return result.value[run] if isinstance(result, BlocksArg) else result[run]


def alone(series: SeriesSet, run: int) -> SeriesSet:
    """The batch of this run only."""
    mine = np.flatnonzero(series.run == run)
    pick = lambda names: [names[i] for i in mine]  # noqa: E731
    return SeriesSet(
        (series.runs[run],), np.zeros(len(mine), np.int64), pick(series.tag), pick(series.role), pick(series.stem),
        pick(series.axis), pick(series.direction), series.records.take(mine),
    )  # fmt: skip


@pytest.mark.parametrize("name", [*KERNELS, *ELEMENTWISE])
@settings(max_examples=20)
@given(series=batches(ROLES))
def test_a_run_is_judged_alike_alone_and_in_a_batch(name: str, series: SeriesSet) -> None:
    kernel = {**KERNELS, **ELEMENTWISE}[name]
    whole = call(kernel, series)
    for run in range(len(series.runs)):
        one = call(kernel, alone(series, run))
        assert_allclose(of_run(whole, run), of_run(one, 0), rtol=1e-12)


@pytest.mark.parametrize("name", [*KERNELS, *ELEMENTWISE])
def test_entries(name: str) -> None:
    kernel = {**KERNELS, **ELEMENTWISE}[name]
    assert kernel.signature.result.split()[0] in RESULTS
    assert kernel.signature.params
    assert (kernel.function.__doc__ or "").strip().endswith("."), "the docstring is the kernel's line in the manual"


def test_no_kernel_has_the_name_of_an_elementwise_one() -> None:
    assert not KERNELS.keys() & ELEMENTWISE.keys()
