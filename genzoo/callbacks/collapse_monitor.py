"""Whether a generator still reaches all of the data."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import keras
import numpy as np

from genzoo import checks
from genzoo.metrics.numerics import neighbours as near
from genzoo.runtime import random
from genzoo.types import ArrayLike, SeedLike


class CollapseMonitor(keras.callbacks.Callback):
    """Watches how much of the data the samples cover, and D's margin.

    Coverage is the share of data points with a sample nearer than their k-th
    neighbour among the data: near 1 for samples as varied as data, low where
    modes are missing. Each value is compared with `tolerance` times the best
    so far. Adds to the logs:

    - `coverage`, between 0 and 1;
    - `margin`, mean logit of data less that of samples: near 0 D cannot tell,
      and where it grows without end D has won.

    Args:
        x: examples to compare with; the first `limit` of them.
        labels: their classes, for a model that is told classes.
        conditions: what else they are told; a tuple or dict of several.
        every: the epochs between two values.
        features: function of examples to vectors in which distances mean
            something; by default the examples themselves, flattened.
        neighbours: k.
        tolerance: a coverage below this share of the best is a collapse.
        patience: how many such values in a row until something is done.
        action: "warn"; "stop", which ends training; or "roll_back", which
            also restores the weights at the best coverage, both optimizers'
            among them, kept in memory.
        limit: largest number of examples; memory is of its order times the
            length of a feature vector, time of its square.
        seed: of the samples.

    Raises:
        ValueError: for an unknown action or numbers out of range.

    Reference:
        Coverage: Naeem et al., "Reliable fidelity and diversity metrics for
        generative models", 2020.

    Example:
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> gan = genzoo.GAN(*genzoo.networks.mlp(2, 2, width=8, depth=1))
    >>> gan.compile()
    >>> monitor = genzoo.callbacks.CollapseMonitor(x, action="roll_back")
    >>> history = gan.fit(x, verbose=0, callbacks=[monitor])
    >>> sorted(set(history.history) & {"coverage", "margin"})
    ['coverage', 'margin']
    """

    arguments: ClassVar[checks.Arguments] = {
        "every": checks.positive_int,
        "neighbours": checks.positive_int,
        "tolerance": checks.number(0, 1, "between 0 and 1", open_ends=True),
        "patience": checks.positive_int,
        "action": checks.one_of("warn", "stop", "roll_back"),
        "limit": checks.positive_int,
    }

    def __init__(
        self,
        x: ArrayLike,
        labels: ArrayLike | None = None,
        conditions: ArrayLike | None = None,
        every: int = 1,
        features: Callable | None = None,
        neighbours: int = 5,
        tolerance: float = 0.5,
        patience: int = 2,
        action: str = "warn",
        limit: int = 2000,
        seed: SeedLike = 0,
    ):
        super().__init__()
        self.action, self.tolerance, self.every = checks.arguments(
            self, action=action, tolerance=tolerance, every=every
        )
        self.patience, self.neighbours, limit = checks.arguments(
            self, patience=patience, neighbours=neighbours, limit=limit
        )
        rows = _rows(x)
        self._rows = min(limit, rows)
        self.x = _first(x, limit, rows)
        given = {"labels": labels, "conditions": conditions}
        self.given = {
            name: _first(part, limit, rows)
            for name, part in given.items()
            if part is not None
        }
        if self._rows <= neighbours:
            raise ValueError(
                f"CollapseMonitor: {neighbours} neighbours need more than "
                f"{self._rows} examples."
            )
        self.features = features
        self.seed = random.as_seed(seed)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Measure the data, once."""
        self.model.space.check("CollapseMonitor", self.x)
        self._points = self._features(self.x)
        self._radii = near.kth_squared_distances(
            self._points, self._points, self.neighbours
        )
        # What fails at the end of an epoch is to fail before the first.
        self._compared()
        self.best, self.best_epoch, self._low = 0.0, -1, 0
        self._kept: list[np.ndarray] = []

    def _features(self, x):
        parts = getattr(self.model, "parts", None)
        if self.features is not None:
            x = self.features(x)
        elif parts is not None:
            x = parts.join(x)
        x = np.asarray(x, np.float64)
        return x.reshape(len(x), -1)

    def coverage(self, samples: ArrayLike) -> float:
        """The share of the data points that samples come near."""
        inside = near.inside_balls(
            self._points, self._radii, self._features(samples), None
        )
        return float(inside.hit.mean())

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Write the values of this epoch, and act on them."""
        if logs is None or (epoch + 1) % self.every:
            return
        logs.update(self._compared())
        coverage = logs["coverage"]
        if coverage >= self.best:
            self.best, self.best_epoch = coverage, epoch
            if self.action == "roll_back":
                self._kept = [v.numpy() for v in self._variables()]
        self._low = self._low + 1 if self._is_low(coverage) else 0
        if self._low >= self.patience:
            self._act(epoch, coverage)

    def _compared(self):
        samples = self.model.sample(self._rows, seed=self.seed, **self.given)
        found = {"coverage": self.coverage(samples)}
        if hasattr(self.model, "score") and self.model.packing == 1:
            real, fake = (
                self.model.score(part, **self.given).mean()
                for part in (self.x, samples)
            )
            found["margin"] = float(real - fake)
        return found

    def _is_low(self, coverage):
        return coverage < self.tolerance * self.best

    def _act(self, epoch, coverage):
        self._low = 0
        done = {
            "warn": "",
            "stop": " Training stops.",
            "roll_back": f" Back to epoch {self.best_epoch + 1}; training "
            "stops.",
        }[self.action]
        warnings.warn(
            f"CollapseMonitor: after epoch {epoch + 1} samples cover "
            f"{coverage:.2f} of the data; it was {self.best:.2f} after epoch "
            f"{self.best_epoch + 1}.{done} Smaller learning rates or larger "
            "penalties (R1, R2) help.",
            stacklevel=2,
        )
        if self.action != "warn":
            self.model.stop_training = True
        if self.action == "roll_back":
            for variable, value in zip(
                self._variables(), self._kept, strict=True
            ):
                variable.assign(value)

    def _variables(self):
        model = self.model
        optimizers = [model.optimizer]
        optimizers += [getattr(model, "discriminator_optimizer", None)]
        return [
            *model.variables,
            *(
                variable
                for optimizer in optimizers
                if optimizer is not None
                for variable in optimizer.variables
            ),
        ]


def _rows(x):
    """How many examples there are, also of several arrays."""
    if isinstance(x, Mapping):
        return min(map(len, x.values()), default=0)
    return min(map(len, x), default=0) if isinstance(x, tuple) else len(x)


def _first(part, limit, rows):
    """The first rows of conditions, also of a tuple or dict of several."""
    if isinstance(part, Mapping):
        return {name: one[:limit] for name, one in part.items()}
    several = isinstance(part, (tuple, list)) and len(part) != rows
    if several and all(np.shape(one)[:1] == (rows,) for one in part):
        return tuple(one[:limit] for one in part)
    return part[:limit]
