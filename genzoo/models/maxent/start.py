"""The multipliers that training begins with, where zeros will not do."""

import warnings
from typing import Any

import numpy as np

from genzoo.losses import Pseudolikelihood
from genzoo.spaces import Space
from genzoo.types import Array

# Examples that a start is found from: it need not be exact.
_ROWS = 4096


def gaussian_start(space: Space, names: list[str], observed: Array) -> Array:
    """Those of independent Gaussians with the observed first two powers.

    On unbounded sites chains would escape from a density without them. Zeros
    where the second powers are not among the features.

    Args:
        space: with unbounded sites.
        names: of the features.
        observed: their averages.
    """
    place = {name: i for i, name in enumerate(names)}
    start = np.zeros(len(observed))

    def put(square, first, count):
        """Of one site, or of `count` that are tied."""
        mean = 0.0 if first is None else observed[first] / count
        variance = observed[square] / count - mean**2
        start[square] = -0.5 / variance
        if first is not None:
            start[first] = mean / variance

    for name in space.site_names:
        if f"{name}^2" in place:
            put(place[f"{name}^2"], place.get(name), 1)
    if "sum x^2" in place and not start.any():
        put(place["sum x^2"], place.get("sum x"), space.width)
    return start


def pseudolikelihood_start(fresh: Any, x: Array, weight: Array | None) -> Array:
    """Those that make each site likely given the others, in examples.

    From zeros, below a phase transition, chains would lose the order of the
    examples in which they begin, and find it again only in part: domains last
    for ever, and the multipliers grow beyond all measure to make up for them.

    Args:
        fresh: a model of the same features, not compiled, that is fitted.
        x: examples.
        weight: of the rows, or None.
    """
    stride = -(-len(x) // _ROWS)
    fresh.compile(loss=Pseudolikelihood(), watch=False)
    weight = None if weight is None else weight[::stride]
    with warnings.catch_warnings():
        # Of what examples leave open the chains tell, or do not need it.
        warnings.simplefilter("ignore")
        fresh.fit(x[::stride], sample_weight=weight, verbose=0)
    return fresh.multiplier_weights.numpy()
