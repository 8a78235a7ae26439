from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from loglens.errors import ConfigError
from loglens.sources import names
from loglens.sources.names import Role, SeriesName, assign_roles, load_table

TABLE = load_table()
CASES = yaml.safe_load(Path(__file__).with_name("names_table.yaml").read_text(encoding="utf-8"))
EVENTS = "events.out.tfevents.1700000000.test-host"


def series(key: str, kind: str = "scalar") -> SeriesName:
    """`folder//name`, `file::name` or a bare name."""
    if "//" in key:
        folder, name = key.split("//", 1)
        return SeriesName(name, folder, EVENTS, "tensorboard", 10, kind)
    if "::" in key:
        file, name = key.split("::", 1)
        return SeriesName(name, "", file, "csv", 10, kind)
    return SeriesName(key, "", EVENTS, "tensorboard", 10, kind)


def roles(*keys: str) -> dict[str, str | None]:
    return {k: r.role for k, r in zip(keys, assign_roles([series(k) for k in keys], TABLE), strict=True)}


def one(key: str, **extra: str) -> Role:
    return assign_roles([series(key)], load_table(extra))[0]


@pytest.mark.parametrize("framework", CASES)
def test_names_of_a_framework(framework: str) -> None:
    wanted = CASES[framework]
    given_roles = roles(*wanted)
    wrong = {
        k: (given_roles[k], role)
        for k, role in wanted.items()
        if (given_roles[k] is None) != (role is None) or not fnmatchcase(given_roles[k] or "", role or "")
    }
    assert not wrong


@pytest.mark.parametrize(
    ("run", "wanted"),
    [
        # test is the validation set only where nothing else is held out
        (["train_loss", "test_loss"], ["train/loss", "val/loss"]),
        (["train_loss", "val_loss", "test_loss"], ["train/loss", "val/loss", "test/loss"]),
        (["train_loss", "test_loss", "eval_runtime"], ["train/loss", "val/loss", None]),
        # parts and totals
        (["mel_loss"], ["train/loss"]),
        (["mel_loss", "total_loss"], ["train/loss:mel", "train/loss"]),
        (["box_loss", "cls_loss"], ["train/loss:box", "train/loss:cls"]),
        (["lm_loss", "aux_loss"], ["train/loss", "train/loss:aux"]),
        (["box_loss", "cls_loss", "val_box_loss"], ["train/loss:box", "train/loss:cls", "val/loss:box"]),
        (["loss", "eval_squad_loss", "eval_nq_loss"], ["train/loss", "val/loss", "val/loss"]),
        (["loss", "loss_q0", "loss_bbox_aux_0"], ["train/loss", "train/loss:q0", "train/loss:bbox_aux_0"]),
        # stand-ins
        (["mse"], ["train/loss"]),
        (["mse", "mae", "val_mse"], ["train/loss", "train/metric", "val/loss"]),
        (["loss", "mse", "nll"], ["train/loss", "train/metric", "train/loss:nll"]),
        (["train_loss", "val_rmse"], ["train/loss", "val/metric"]),
        # agents and adversaries
        (["loss", "reward"], ["policy_loss", "reward"]),
        (["loss", "reward", "exploration_rate"], ["value_loss", "reward", None]),
        (["loss", "val_loss", "reward"], ["train/loss", "val/loss", "reward"]),
        (["loss", "policy_loss", "entropy_loss"], ["train/loss", "policy_loss", "entropy"]),
        (["loss", "entropy_loss"], ["train/loss", "train/loss:entropy"]),
        (["a_loss", "c_loss", "rewards/step"], ["policy_loss", "value_loss", "reward"]),
        (["critic_loss", "actor_loss"], ["value_loss", "policy_loss"]),
        (["critic_loss", "generator_loss"], ["discriminator_loss", "generator_loss"]),
        (["g_loss", "d_loss"], ["generator_loss", "discriminator_loss"]),
        (["loss", "d_loss"], ["train/loss", "train/loss:d"]),
        (["loss", "kl", "recon_loss"], ["train/loss", "train/loss:kl", "train/loss:recon"]),
        (["r", "l", "t"], ["reward", "episode_length", None]),
        (["r", "l"], [None, None]),
        (["0.monitor.csv::r", "0.monitor.csv::l"], ["reward", "episode_length"]),
        (["AverageEpCost", "AverageEpRet"], [None, "reward"]),
        (["rewards/time", "data_time"], ["reward", None]),
        # where a score was measured
        (["loss", "accuracy"], ["train/loss", "train/accuracy"]),
        (["loss", "accuracy", "val_accuracy"], ["train/loss", "train/accuracy", "val/accuracy"]),
        (["train_loss", "valid_loss", "accuracy"], ["train/loss", "val/loss", "val/accuracy"]),
        (["loss", "coco/accuracy", "bleu"], ["train/loss", "val/accuracy", "val/metric"]),
        (["wer", "val_wer"], ["train/metric", "val/metric"]),
        # folders and files
        (["train//loss", "validation//loss"], ["train/loss", "val/loss"]),
        (["my_ssd/eval//loss"], ["val/loss"]),
        (["Loss_train//Loss", "Loss_val//Loss"], ["train/loss", "val/loss"]),
        (["train_log.csv::loss", "val_log.csv::loss"], ["train/loss", "val/loss"]),
        (["test_of_mine.csv::loss", "test_of_mine.csv::val_loss"], ["train/loss", "val/loss"]),
        # layers keep their spelling
        (["grads/fc1", "Gradients/Head_norm"], ["grad_norm:fc1", "grad_norm:Head"]),
        (["grad_norm/fc1.weight", "weights/fc1/norm"], ["grad_norm:fc1.weight", "weight_norm:fc1"]),
        (["acts/act1_dead", "act2_sat"], ["zero_fraction:act1", "saturated_fraction:act2"]),
        (["grad_2.0_norm_total", "dead_relu"], ["grad_norm", "zero_fraction:all"]),
        # names that hold a quantity's word and are something else
        (["loss_std", "best_loss", "kl_coeff", "num_rewards"], [None] * 4),
        (["time", "loss"], [None, "train/loss"]),
        (["time", "data_time"], ["step_time", None]),
    ],
)
def test_neighbours_decide(run: list[str], wanted: list[str | None]) -> None:
    assert list(roles(*run).values()) == wanted


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        *((n, "min") for n in ("val_err", "val_error", "wer", "val_rmse", "val_mae", "perplexity", "fid", "val_loss")),
        *((n, "max") for n in ("accuracy", "f1", "auc", "bleu", "mAP", "mIoU", "dice", "r2", "reward", "val_psnr")),
        *((n, None) for n in ("elbo", "lr", "grad_norm", "pred_std", "policy_loss", "entropy")),
    ],
)
def test_direction(name: str, direction: str | None) -> None:
    assert one(name).role
    assert one(name).direction == direction


@pytest.mark.parametrize(
    "pair",
    [
        ("train/box_loss", "val/box_loss"),
        ("epoch_loss", "evaluation_loss_vs_iterations"),
        ("train_loss_epoch", "val_loss"),
        ("trainAcc", "Accuracy/Validation"),
        ("main/loss", "validation/main/loss"),
        ("lm loss", "lm loss validation"),
        ("TrainEpochStats/avg_loss", "EvalStats/avg_loss"),
    ],
)
def test_stem_pairs_train_with_val(pair: tuple[str, str]) -> None:
    first, second = (one(name).stem for name in pair)
    assert first == second != ""


def test_stems_tell_parts_apart() -> None:
    assert one("train/box_loss").stem == "box_loss"
    assert len({one(n).stem for n in ("box_loss", "cls_loss", "loss_1", "loss_2", "acc", "top5_acc")}) == 6


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("gradients/layer1.0.conv1.weight", "gradients"),
        ("conv1.weight.grad", "gradients"),
        ("conv1.weight", "weights"),
        ("dense_24/kernel_0/histogram", "weights"),
        ("fc.bias", "weights"),
        ("activations/relu2", "activations"),
        ("dense/out_0/histogram", "activations"),
        ("Environment/Cumulative Reward_hist", None),
    ],
)
def test_histograms(name: str, role: str | None) -> None:
    given_role = assign_roles([series(name, "histogram")], TABLE)[0].role
    assert given_role == (f"histogram:{role}" if role else None)


@pytest.mark.parametrize(
    ("glob", "role", "wanted", "direction"),
    [
        ("*secret*", "val/metric:max", "val/metric", "max"),
        ("my_secret", "train/loss", "train/loss", "min"),
        ("*", "none", None, None),
        ("my_*", "grad_norm:fc1", "grad_norm:fc1", None),
        ("My_*", "lr", None, None),  # another case is another name
        ("log.csv::my_*", "val/loss:box", "val/loss:box", "min"),
    ],
)
def test_patterns_of_the_user_win(glob: str, role: str, wanted: str | None, direction: str | None) -> None:
    got = one("log.csv::my_secret", **{glob: role})
    assert (got.role, got.direction) == (wanted, direction)


def test_pattern_keeps_the_direction_the_name_has() -> None:
    assert one("team_wer", **{"team_*": "val/metric"}).direction == "min"


@pytest.mark.parametrize(("role", "near"), [("val/los", "val/loss"), ("gradnorm", "grad_norm"), ("loss", "")])
def test_unknown_role_of_the_user_is_named(role: str, near: str) -> None:
    with pytest.raises(ConfigError, match=f"'x\\*'.*{role!r}.*{near}"):
        load_table({"x*": role})


NAMES = st.lists(
    st.one_of(st.text(max_size=30), st.sampled_from([k for cases in CASES.values() for k in cases])),
    max_size=12,
    unique=True,
)


@given(NAMES, st.randoms())
def test_any_names_in_any_order(names: list[str], random: object) -> None:
    items = [SeriesName(n, "", "log.csv", "csv", 1) for n in names]
    given_roles = dict(zip(names, assign_roles(items, TABLE), strict=True))
    families = {r.role.partition(":")[0] for r in given_roles.values() if r.role}
    assert families <= {f.partition(":")[0] for f in TABLE.families}
    assert all(r.reason for r in given_roles.values())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert dict(zip([s.name for s in items], assign_roles(items, TABLE), strict=True)) == given_roles


@pytest.mark.parametrize(
    "text", ["loss/" * 300_000, "a" * 1_000_000, "A1" * 500_000, "val_" * 300_000, "\ud800/" * 9, "🜁" * 99_999]
)
def test_hostile_names_are_read(text: str) -> None:
    role = assign_roles([SeriesName(text, text, text, "csv", 1)], TABLE)[0]
    assert len(role.reason) + len(role.stem) < 3_000


def test_hostile_pattern_is_linear() -> None:
    table = load_table({"*a" * 40 + "b": "lr"})
    assert assign_roles([SeriesName("a" * 100_000, "", "f", "csv", 1)], table)[0].role is None


def test_table_is_consistent() -> None:
    spelling = TABLE.vocabulary.spelling
    told = {w for v in (*spelling.values(), *TABLE.vocabulary.phrases.values()) for w in v}
    assert not {w for w in told if spelling.get(w, (w,)) != (w,)}, "a spelling leads to another spelling"
    assert not TABLE.sets["noise"] & TABLE.sets["fillers"]
    named = {w for q in TABLE.quantities for bag in q.any for w in bag}
    assert not named & set(TABLE.split_of), "a word of a quantity is a split"


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ([f"layer{i}/loss" for i in range(30_000)], {"train/loss:layer0"}),
        ([*(f"a{i}x/train_loss" for i in range(9000)), *(f"b{i}y/val_loss" for i in range(9000))], {"val/loss"}),
    ],
    ids=["parts", "sets"],
)
def test_thousands_of_losses_in_one_run(names: list[str], wanted: set[str]) -> None:
    found = {role.role for role in assign_roles([series(name) for name in names], TABLE)}
    assert wanted <= found


def test_of_very_many_names_those_that_say_something_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "LOOKED_AT", 3)
    found = [role.role for role in assign_roles([series(k) for k in ("a", "b", "c", "grad_norm", "train/loss")], TABLE)]
    assert found == [None, None, None, "grad_norm", "train/loss"]
    told = assign_roles(
        [series(k) for k in ("a", "loss", "learning_rate", "accuracy")], load_table({"a": "train/loss"})
    )
    assert [role.role is None for role in told] == [False, False, False, False]
