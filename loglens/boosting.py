"""Whether a run grew trees instead of following a gradient, by the habits of XGBoost, LightGBM and CatBoost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# roles that only a network trained by gradients has
OF_GRADIENTS = frozenset(
    {"grad_norm", "lr", "weight_norm", "update_ratio", "loss_scale", "zero_fraction", "saturated_fraction", "entropy"}
)
_SPLIT = r"(?:train(?:ing)?|learn|eval|test|valid(?:ation)?)(?:_?\d+)?"
_SCORE = r"(?:m?logloss|m?error|rmse|rmsle|mae|mape|mphe|auc|aucpr|ndcg|map|accuracy|poisson-nloglik|gamma-deviance)"
_TAGS = (
    re.compile(rf"{_SPLIT}-{_SCORE}(?:@\d+)?", re.IGNORECASE),  # XGBoost: train-rmse, validation_0-auc
    re.compile(rf"(?:{_SPLIT}['’s]*[ /_-])?(?:m?logloss|merror|(?:binary|multi)_(?:logloss|error))", re.IGNORECASE),
    re.compile(r"learn/\w+"),  # CatBoost
)
_SETTINGS = frozenset(
    [
        "num_leaves",
        "min_child_weight",
        "colsample_bytree",
        "colsample_bylevel",
        "feature_fraction",
        "bagging_fraction",
        "tree_method",
        "num_boost_round",
        "l2_leaf_reg",
        "min_data_in_leaf",
        "boosting_type",
        "max_bin",
    ]
)


def grows_trees(roles: Iterable[str], tags: Iterable[str], hparams: Mapping[str, str]) -> bool:
    """Whether the run is of boosted trees; never when it logs what only gradients have."""
    if any(role.partition(":")[0] in OF_GRADIENTS for role in roles):
        return False
    plain = {name.lower().rpartition("/")[2].rpartition(".")[2] for name in hparams}
    last = [tag.rpartition("::")[2] for tag in tags]
    return bool(plain & _SETTINGS) or any(pattern.fullmatch(tag) for tag in last for pattern in _TAGS)
