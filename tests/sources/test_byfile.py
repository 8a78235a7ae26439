"""Files with the same columns read together give what each gives alone."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from loglens.sources.axis import plan_rows
from loglens.sources.byfile import plans_of
from loglens.sources.wide import Column, Wide, melt

COUNTERS = st.sampled_from(["step", "epoch", "time", "timestamp", "batch", "loss"])


def wide_of(counts: list[int], columns: dict[str, list[float]]) -> Wide:
    full = {name: Column(pl.Series(name, values, dtype=pl.Float64)) for name, values in columns.items()}
    return Wide(list(range(7, 7 + len(counts))), counts, full)


def alone(wide: Wide) -> list[pl.DataFrame]:
    """Each file by itself."""
    out, begin = [], 0
    for file, count in zip(wide.files, wide.counts, strict=True):
        columns = {name: Column(col.values[begin : begin + count]) for name, col in wide.columns.items()}
        out += melt(Wide([file], [count], columns))
        begin += count
    return out


@st.composite
def tables(draw: st.DrawFn) -> Wide:
    """Files of one or of several lengths, whose counters go on, start again or are the same everywhere."""
    counts = draw(
        st.one_of(
            st.lists(st.integers(1, 6), min_size=1, max_size=5),
            st.builds(lambda n, files: [n] * files, st.integers(1, 6), st.integers(1, 5)),
        )
    )
    total = sum(counts)
    numbers = st.one_of(st.integers(0, 5).map(float), st.floats(width=32))
    columns: dict[str, list[float]] = {"a": draw(st.lists(numbers, min_size=total, max_size=total))}
    for name in draw(st.sets(COUNTERS, max_size=3)):
        counted = [float(row) for count in counts for row in range(count)]
        columns[name] = draw(st.one_of(st.just(counted), st.lists(numbers, min_size=total, max_size=total)))
    return wide_of(counts, columns)


@given(tables())
def test_together_as_alone(wide: Wide) -> None:
    order = ["file", "tag"]
    texts = pl.col("tag").cast(pl.String)
    together = pl.concat(melt(wide)).with_columns(texts).sort(order, maintain_order=True)
    assert_frame_equal(together, pl.concat(alone(wide)).with_columns(texts).sort(order, maintain_order=True))


@given(tables())
def test_a_shared_plan_is_the_own_one(wide: Wide) -> None:
    for place, plan in enumerate(plans_of(wide)):
        own = plan_rows(wide, place)
        assert plan.shape == own.shape
        for name in ("step", "wall", "segment", "epoch_rows"):
            np.testing.assert_array_equal(getattr(plan, name), getattr(own, name))


def test_rows_come_file_by_file_and_name_by_name() -> None:
    frame = pl.concat(melt(wide_of([2, 1], {"step": [1, 2, 1], "z": [1, 2, 3], "b": [4, 5, 6]})))
    found = frame.select("file", pl.col("tag").cast(pl.String), "step", "value").rows()
    assert found == [(7, "b", 1, 4), (7, "b", 2, 5), (7, "z", 1, 1), (7, "z", 2, 2), (8, "b", 1, 6), (8, "z", 1, 3)]
