"""Averages of examples of which some is missing: expectation, maximisation.

The likelihood of what is known has its gradient, `<f>_model - <f>`, with the
averages over what is unknown given what is known, under the model itself.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from genzoo.models.common.given import Given
from genzoo.models.common.posterior import completion_count, completions
from genzoo.models.maxent.density import Density
from genzoo.runtime import data, random
from genzoo.types import Array

# Numbers of all completions, up to which they are listed at each step.
_MOST = 2**24
_ELEMENTS = 2**22
# Sweeps by which what is unknown is drawn at each step, if it is.
_SWEEPS = 50
# Nats an example by which the likelihood still has to grow.
_SMALL = 1e-9


class Expected(NamedTuple):
    """Averages over what is unknown, too.

    Attributes:
        values: <f_i>, float64.
        log_sum: mean log of the sum of exp(-E) over what is unknown, in nats;
            None where it was drawn.
    """

    values: Array
    log_sum: float | None


def filled(given: Given, generator: np.random.Generator) -> Array:
    """The examples, each unknown number taken from another example.

    Raises:
        ValueError: if a column is never known, by examples that count.
    """
    x = given.x.reshape(len(given.x), -1).copy()
    seen = np.asarray(given.seen).reshape(x.shape)
    counts = seen if given.weight is None else seen[given.weight != 0]
    data.check_known(np.any(counts, axis=0))
    for site in range(x.shape[1]):
        unknown = np.flatnonzero(~seen[:, site])
        known = x[seen[:, site], site]
        x[unknown, site] = generator.choice(known, len(unknown))
    return x.reshape(given.x.shape)


class Gaps:
    """Examples of which some is missing, and what a model makes of them.

    Args:
        density: the `Density`.
        given: the examples, arrays.
        energy: function from states, float64 (n, width), to energies (n,).
        draw: function `(given, sweeps, seed)` to completed states, by chains.
    """

    def __init__(
        self, density: Density, given: Given, energy: Callable, draw: Callable
    ):
        self.density = density
        self.given = given
        self.energy = energy
        self.draw = draw
        space = density.space
        self.x = given.x.reshape(len(given.x), -1).astype(np.float64)
        seen = np.ones(self.x.shape, bool) if given.seen is None else given.seen
        self.seen = np.asarray(seen).reshape(self.x.shape)
        self.choices = [
            (np.array([site]), None if v is None else np.asarray(v)[:, None])
            for site, v in enumerate(space.levels)
        ]
        count = completion_count(self.choices, self.seen)
        self.is_listed = count * space.width <= _MOST
        weight = np.ones(len(self.x)) if given.weight is None else given.weight
        self.weight = weight / weight.sum()

    def log_sum(self) -> float:
        """The mean log of the sum of exp(-E) over what is unknown."""
        return sum(
            float(own @ log_sum) for _, _, own, log_sum in self._listed()
        )

    def _listed(self):
        """Of some rows states, their shares, the rows' weights, log sums."""
        listed = completions(self.choices, self.x, self.seen, _ELEMENTS)
        for some, states in listed:
            log_w = -self.energy(states).reshape(len(some), -1)
            most = log_w.max(axis=1, keepdims=True)
            share = np.exp(log_w - most)
            size = share.sum(axis=1)
            own = self.weight[some]
            share *= (own / size)[:, None]
            yield states, share.ravel(), own, most[:, 0] + np.log(size)

    def expect(self, seed: random.Seed) -> Expected:
        """The averages under the model as it is."""
        if not self.is_listed:
            states = self.draw(self.given, _SWEEPS, seed)
            total = self.density.feature_sums(
                tf.constant(states, tf.float64), tf.constant(self.weight)
            )
            return Expected(total.numpy(), None)
        total, log_sum = 0.0, 0.0
        for states, share, own, each in self._listed():
            log_sum += float(own @ each)
            total = total + self.density.feature_sums(
                tf.constant(states), tf.constant(share)
            )
        return Expected(np.asarray(total), log_sum)


class Expectation(keras.callbacks.Callback):
    """Takes the averages of a model's own completions after each epoch.

    Args:
        gaps: the `Gaps`, and those of held-out examples if any.
        keep: function that takes averages, of which the next epoch learns.
        log_z: function that gives log Z, or None if it is not followed.
        seed: function that gives a seed.
        is_whole: whether training ends when the likelihood grows no more.
    """

    def __init__(
        self,
        gaps: list[Gaps],
        keep: Callable[[Array], None],
        log_z: Callable[[], float | None],
        seed: Callable[[], random.Seed],
        is_whole: bool,
    ):
        super().__init__()
        self.gaps, *self.held = gaps
        self.keep = keep
        self.log_z = log_z
        self.seed = seed
        self.is_whole = is_whole
        self.last = np.inf

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin with the averages under the model as it is."""
        self.keep(self.gaps.expect(self.seed()).values)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Note the likelihood of what is known; go on, or end."""
        found = self.gaps.expect(self.seed())
        self.keep(found.values)
        log_z = self.log_z()
        if logs is not None and log_z is not None:
            for held in self.held:
                logs["val_loss"] = log_z - held.log_sum()
        if found.log_sum is None or log_z is None:
            # Of completed examples, which is another.
            if logs is not None:
                logs.pop("loss", None)
            return
        loss = log_z - found.log_sum
        if logs is not None:
            logs["loss"] = loss
        if self.is_whole and abs(self.last - loss) < _SMALL:
            self.model.stop_training = True
        self.last = loss
