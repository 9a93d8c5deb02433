"""A path of tolerances, from the widest on, and the choice among them."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from genzoo.models.maxent.density import Density
from genzoo.models.maxent.feasibility import Reach
from genzoo.runtime import data
from genzoo.types import Array

# By default, as multiples of the errors of the averages.
STRENGTHS = np.geomspace(8, 1 / 8, 13)


class Path(NamedTuple):
    """What was fitted at each strength, the strongest first.

    Attributes:
        strength: by which the errors were multiplied, (strengths,).
        nonzero: how many multipliers are not zero.
        log_likelihood: mean log p of the examples held out, in nats.

    Example:
    >>> path = Path(np.array([2.0, 1.0]), np.array([3, 7]), np.array([-2, -1]))
    >>> path.best
    1.0
    """

    strength: Array
    nonzero: Array
    log_likelihood: Array

    @property
    def best(self) -> float:
        """The strength of greatest likelihood; of equals the greatest."""
        return float(self.strength[np.argmax(self.log_likelihood)])


def standard_errors(
    density: Density, reach: Reach, x: Any, weight: Array | None = None
) -> Array:
    """Of the averages over examples, (features,).

    The standard deviation by the root of the number of examples n; but at
    least what one example more could change, the range by n: else what never
    varies in the examples would have to be met.

    Args:
        density: whose features are averaged.
        reach: of the same.
        x: examples.
        weight: of each, (n,), or None.
    """
    seen = data.Count()
    first, total, square = None, 0.0, 0.0
    for part, of_part in data.parts(x, weight):
        states = density.space.flatten(tf.cast(part, tf.float64))
        own = seen.add(of_part, len(states))
        values = density.features(states).numpy()
        first = values[0] if first is None else first
        # Sums of what lies far from zero would lose their last digits.
        total += own @ (values - first)
        square += own @ (values - first) ** 2
    variance = square / seen.total - (total / seen.total) ** 2
    count = max(seen.examples, 1.0)
    errors = np.sqrt(np.maximum(variance, 0.0) / count)
    return np.maximum(errors, reach.spans() / count)
