"""What a missing column is called, as the run would have called it; and the reader takes it for what was wanted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loglens.habits import column
from loglens.roles import known_roles
from loglens.ruleset import load_rules
from loglens.sources.names import SeriesName, assign_roles, load_table

TABLE = load_table()
HABITS = (
    ["loss", "lr"],
    ["train_loss", "val_accuracy"],
    ["train/loss", "train/lr"],
    ["Loss/train"],
    ["Loss/train", "Acc/valid"],
    ["train_loss", "eval_loss"],
    ["training loss"],
    ["Train/Loss", "Validation/Loss"],
    ["metrics.train.loss"],
    [],
)
WANTED = sorted({need.roles[0] for rule in load_rules().rules if rule.scope == "run" for need in rule.needs})


def roles(tags: list[str]) -> list[str | None]:
    return [r.role for r in assign_roles([SeriesName(tag, "", "log.csv", "csv", 50) for tag in tags], TABLE)]


def known(tags: list[str]) -> dict[str, str]:
    return {tag: role for tag, role in zip(tags, roles(tags), strict=True) if role}


@pytest.mark.parametrize("tags", HABITS, ids=" ".join)
@pytest.mark.parametrize("role", WANTED)
def test_the_name_is_read_as_what_was_wanted(role: str, tags: list[str]) -> None:
    name = column(role, known(tags))
    if name and name not in tags:
        assert roles([*tags, name])[-1] == role.replace(":*", ":fc1")


@pytest.mark.parametrize(
    ("role", "tags", "name"),
    [
        ("val/loss", ["Loss/train"], "Loss/val"),
        ("val/loss", ["Loss/train", "Acc/valid"], "Loss/valid"),
        ("val/accuracy", ["train_loss", "eval_loss"], "eval_accuracy"),
        ("val/f1", ["Train/Loss", "Validation/Loss"], "Validation/F1"),
        ("val/accuracy", ["val_kl_loss", "val_loss"], "val_accuracy"),
        ("val/accuracy", ["val_kl_loss"], "val_accuracy"),
        ("grad_norm", ["train/loss"], "train/grad_norm"),
        ("grad_norm", ["Loss/train"], "grad_norm"),
        ("zero_fraction:*", ["train/loss"], "zero_fraction/fc1"),
        ("train/loss", ["train/loss"], ""),  # it is there already
    ],
)
def test_names(role: str, tags: list[str], name: str) -> None:
    assert column(role, known(tags)) == name


@given(st.sampled_from(WANTED), st.dictionaries(st.text(max_size=12), st.sampled_from(known_roles()), max_size=4))
def test_any_names(role: str, tags: dict[str, str]) -> None:
    assert column(role, tags) not in tags
