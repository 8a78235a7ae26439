"""The series of a case, as an analysis would see them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from loglens.notation import records_of
from loglens.roles import usual_direction
from loglens.series import Ragged, SeriesSet

if TYPE_CHECKING:
    from collections.abc import Mapping


def series_of_roles(
    series: Mapping[str, str], seed: int, facts: Mapping[str, float] = MappingProxyType({}), run: str = "case"
) -> SeriesSet:
    """One run whose tags are the roles themselves."""
    parts = [records_of(text, seed + k) for k, text in enumerate(series.values())]
    count = np.array([len(part.step) for part in parts], np.int64)
    columns = ("step", "value", "wall", "segment")
    flat = [np.concatenate([getattr(part, column) for part in parts]) for column in columns]
    records = Ragged((np.cumsum(count) - count).astype(np.int64), count, *flat)
    roles = list(series)
    stems = [role.partition("/")[2] or role for role in roles]
    ways = [usual_direction(role) for role in roles]
    known = {name: np.array([value], float) for name, value in facts.items()}
    return SeriesSet(
        (run,), np.zeros(len(roles), np.int64), roles, roles, stems, ["step"] * len(roles), ways, records, known
    )
