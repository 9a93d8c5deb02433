"""Single values that many examples share: none of a density's business."""

import warnings
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo import checks
from genzoo.models.common.given import Given
from genzoo.models.ebm.ends import Ends
from genzoo.runtime import batch, data, distribute, random
from genzoo.spaces import Space
from genzoo.types import Array

# Values of a site that are kept, and numbers that are looked at for them.
_MOST, _NUMBERS = 16, 2**21
# Of the examples, the share that has such a value, and how many have at least.
_SHARE, _ROWS = 0.02, 5
# Half of an interval that stands for a value, in units of the network: at most
# so much, and of the distance to the nearest of other values.
_HALF, _NEAREST, _OF_DISTANCE = 0.05, 0.05, 0.5
# A value is told that is so much more frequent than the usual one of its
# column, or one of so few.
_EXCESS, _FEW = 5, 8


class Repeated(keras.layers.Layer):
    """Values v of real sites that many examples share: no sales, full marks.

    A density gives a single value no probability, and its likelihood has no
    bound where the energy digs a hole at each of them, in which no chain
    stays. Training takes v as even in v +- half instead, folded at the ends.

    Args:
        space: a `Space`, a product of sites.

    Attributes:
        places: weight, such values of each site, (width, 16).
        halves: weight, half of the interval of each; 0 where there is none.
    """

    def __init__(self, space: Space, **kwargs):
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.space = space
        self._ends = Ends(space)
        self.places, self.halves = (
            distribute.mirrored_weight(self, name, (space.width, _MOST))
            for name in ("places", "halves")
        )
        self.built = True

    def fit(self, given: Given, unit: Array, steps: int | None = None) -> None:
        """Find such values in the first of the data, and say so.

        Args:
            given: checked examples.
            unit: of each site as a network sees it, (width,).
            steps: how many batches of a dataset to see; None means all.
        """
        places = np.zeros(self.places.shape, np.float32)
        halves = np.zeros_like(places)
        told = []
        if self._ends.real.any():
            x, weight, seen = data.first_rows(given, _NUMBERS, steps)
            for site in np.flatnonzero(self._ends.real):
                known = seen[:, site]
                found = _frequent(x[known, site], weight[known], unit[site])
                value, half, share, is_told = found
                places[site, : len(value)] = value
                halves[site, : len(value)] = half
                if is_told:
                    told.append((site, value[0], share[0]))
        self.places.assign(places)
        self.halves.assign(halves)
        if told:
            _tell(told)

    def of_batch(self, x: Any, seed: random.Seed) -> Any:
        """The batch with such values spread."""
        if not self._ends.real.any():
            return x
        states = self.space.flatten(tf.cast(batch.examples(x), tf.float32))
        states = self.spread(states, seed)
        own = batch.weight(x), batch.seen(x)
        return batch.make(self.space.unflatten(states), *own)

    def spread(self, x: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """States (rows, width) with each such value drawn from its interval."""
        places, halves = (
            tf.cast(tf.convert_to_tensor(weight.value), x.dtype)
            for weight in (self.places, self.halves)
        )
        is_one = tf.cast(x[:, :, None] == places, x.dtype)
        half = tf.reduce_max(is_one * halves, axis=2)
        shape = (tf.shape(x)[0], self.space.width)
        draw = random.uniform(shape, seed, x.dtype)
        moved = self._ends.folded(x + half * (2 * draw - 1))
        return tf.where(half > 0, moved, x)


def _frequent(x, weight, unit):
    """(values, halves, shares, whether to tell): the most frequent first."""
    values, place, count = np.unique(x, return_inverse=True, return_counts=True)
    total = np.bincount(place, weights=weight, minlength=len(values))
    share = total / max(total.sum(), 1e-30)
    order = np.argsort(-share, kind="stable")[:_MOST]
    order = order[(share[order] >= _SHARE) & (count[order] >= _ROWS)]
    halves = []
    for number in order:
        apart = np.abs(x - values[number])[place != number]
        near = np.quantile(apart, _NEAREST) if len(apart) else np.inf
        halves.append(min(_HALF * unit, _OF_DISTANCE * near))
    is_told = len(order) and (
        len(values) <= _FEW or count[order[0]] > _EXCESS * np.median(count)
    )
    return values[order], halves, share[order], is_told


def _tell(told):
    shown = checks.columns(np.array([site for site, _, _ in told]))
    _, value, share = max(told, key=lambda one: one[2])
    warnings.warn(
        f"EnergyModel: {len(told)} columns of the data (numbers {shown}) hold "
        f"single values that many rows share, such as {value:g} in "
        f"{share:.0%} of them. A density has no single values: training "
        "spreads each over a few hundredths of the column's standard "
        "deviation, and samples are that close to it, never equal. Round "
        "them, or give such a column a second one of two levels that says "
        "which rows are at the value; a column of few values is "
        "genzoo.spaces.Categorical.",
        stacklevel=2,
    )
