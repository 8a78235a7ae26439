"""A small multi-layer perceptron in NumPy: real gradients, real optimisers, generated data."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

Batch = tuple[np.ndarray, np.ndarray]
MASKED = -100  # label of an example that does not count


def spirals(
    rng: np.random.Generator, count: int, dims: int = 2, shares: tuple[float, ...] = (1 / 3, 1 / 3, 1 / 3)
) -> Batch:
    """Three interleaved, overlapping spirals, one a class: x (count, dims) with noise in further dimensions, labels."""
    label = rng.choice(len(shares), count, p=shares)
    radius = np.sqrt(rng.uniform(0.05, 1.0, count))
    angle = 4.0 * radius + 2 * np.pi * label / len(shares) + rng.normal(0, 0.55, count)
    x = rng.normal(0, 0.3, (count, dims))
    x[:, 0], x[:, 1] = radius * np.cos(angle), radius * np.sin(angle)
    return x.astype(np.float32), label


def cross_entropy(logits: np.ndarray, label: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean loss over the labels that are not masked, and its gradient by the logits."""
    counts = label != MASKED
    n = max(int(counts.sum()), 1)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows, target = np.arange(len(label)), np.where(counts, label, 0)
    grad = np.exp(log_p)
    grad[rows, target] -= 1
    return float(0.0 - (log_p[rows, target] * counts).sum() / n), grad * counts[:, None] / n


@dataclass
class Network:
    """Fully connected ReLU layers. `precision` is the type in which gradients are kept before the update."""

    sizes: tuple[int, ...]
    rng: np.random.Generator
    optimizer: str = "adam"
    weight_decay: float = 0.0
    precision: type = np.float32
    loss_scale: float = 1.0
    weights: list[np.ndarray] = field(default_factory=list)
    updates: int = 0

    def __post_init__(self) -> None:
        for fan_in, fan_out in zip(self.sizes, self.sizes[1:], strict=False):
            scale = np.sqrt(2 / fan_in)
            self.weights += [
                self.rng.normal(0, scale, (fan_in, fan_out)).astype(np.float32),
                np.zeros(fan_out, np.float32),
            ]
        self.weights[-2] *= 0.3
        self.first = [np.zeros_like(w) for w in self.weights]
        self.second = [np.zeros_like(w) for w in self.weights]

    def forward(self, x: np.ndarray) -> list[np.ndarray]:
        """Activations of every layer; the last are the logits."""
        out = [x]
        for i in range(0, len(self.weights), 2):
            z = out[-1] @ self.weights[i] + self.weights[i + 1]
            out.append(z if i == len(self.weights) - 2 else np.maximum(z, 0))
        return out

    def gradients(self, x: np.ndarray, label: np.ndarray) -> tuple[float, list[np.ndarray]]:
        """Loss on a batch and its gradients, scaled and stored as mixed-precision training does it."""
        out = self.forward(x)
        loss, delta = cross_entropy(out[-1], label)
        found: list[np.ndarray] = []
        for i in range(len(self.weights) - 2, -1, -2):
            found[:0] = [out[i // 2].T @ delta, delta.sum(axis=0)]
            delta = (delta @ self.weights[i].T) * (out[i // 2] > 0)
        scaled = [(g * self.loss_scale).astype(self.precision) for g in found]
        return loss, [g.astype(np.float32) / np.float32(self.loss_scale) for g in scaled]

    def update(self, grads: list[np.ndarray], lr: float) -> None:
        """One step of Adam, or of SGD with momentum; weight decay is decoupled."""
        self.updates += 1
        for w, g, m, v in zip(self.weights, grads, self.first, self.second, strict=True):
            if self.optimizer == "sgd":
                m[...] = 0.9 * m + g
                move = m
            else:
                m[...] = 0.9 * m + 0.1 * g
                v[...] = 0.999 * v + 0.001 * g * g
                move = (m / (1 - 0.9**self.updates)) / (np.sqrt(v / (1 - 0.999**self.updates)) + 1e-8)
            decay = self.weight_decay if w.ndim > 1 else 0.0  # biases keep what they learned
            w -= np.float32(lr) * (move + decay * w)

    def state(self) -> tuple[int, list[list[np.ndarray]]]:
        """A checkpoint: weights and the optimiser's moments."""
        return self.updates, [[a.copy() for a in part] for part in (self.weights, self.first, self.second)]

    def load(self, state: tuple[int, list[list[np.ndarray]]]) -> None:
        """Go back to a checkpoint."""
        self.updates, (self.weights, self.first, self.second) = state

    def score(self, data: Batch) -> dict[str, float]:
        """Loss, accuracy and the spread of the predicted probabilities over examples."""
        x, label = data
        logits = self.forward(x)[-1]
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        p = shifted / shifted.sum(axis=1, keepdims=True)
        return {
            "loss": cross_entropy(logits, label)[0],
            "accuracy": float((logits.argmax(axis=1) == label).mean()),
            "pred_std": float(p.std(axis=0).mean()),
        }


def norm(grads: list[np.ndarray]) -> float:
    """Global gradient norm."""
    return float(np.sqrt(sum(float((g.astype(np.float64) ** 2).sum()) for g in grads)))
