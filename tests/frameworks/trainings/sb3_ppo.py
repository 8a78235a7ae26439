"""Stable-Baselines3 with every output of its logger, and its Monitor."""

from __future__ import annotations

import gymnasium
from stable_baselines3 import PPO
from stable_baselines3.common.logger import KVWriter, configure
from stable_baselines3.common.monitor import Monitor
from truth import Truth

ROLES = {
    "rollout/ep_rew_mean": "reward",
    "rollout/ep_len_mean": "episode_length",
    "train/loss": "train/loss",
    "train/value_loss": "value_loss",
    "train/policy_gradient_loss": "policy_loss",
    "train/entropy_loss": "entropy",
    "train/approx_kl": "kl",
    "train/explained_variance": "explained_variance",
    "train/learning_rate": "lr",
    "time/fps": "throughput",
    "time/iterations": None,
}
truth = Truth()


class Recorder(KVWriter):
    def __init__(self, series: dict, form: str) -> None:
        self.series, self.form = series, form

    def write(self, key_values: dict, key_excluded: dict, step: int = 0) -> None:
        for name, value in key_values.items():
            if not isinstance(value, str) and self.form not in (key_excluded[name] or ()):
                self.series[name].append((step, float(value)))


for form in ("csv", "json", "tensorboard", "log"):
    folder = f"ppo_{form}"
    environment = Monitor(gymnasium.make("CartPole-v1"), f"{folder}/0" if form == "csv" else None)
    model = PPO("MlpPolicy", environment, n_steps=64, batch_size=32, n_epochs=2, device="cpu", seed=0)
    logger = configure(folder, [form])
    series = truth.run(
        folder,
        roles=ROLES,
        float32=form == "tensorboard",
        rounded=form == "log",
        digits=7 if form in ("csv", "json") else 0,  # single precision, written out
        subset=True,
    )
    logger.output_formats.append(Recorder(series, form))
    model.set_logger(logger)
    model.learn(64 * 6)
    series.pop("time/total_timesteps", None)  # the axis of the others
    series.pop("time/time_elapsed", None)  # their clock
    if form == "csv":
        series["r"] = list(enumerate(environment.get_episode_rewards()))
        series["l"] = list(enumerate(environment.get_episode_lengths()))
        truth.runs[folder]["roles"] = {**ROLES, "r": "reward", "l": "episode_length"}
truth.runs["ppo_tensorboard"]["roles"] = {name: role for name, role in ROLES.items() if name != "time/iterations"}
truth.tell()
