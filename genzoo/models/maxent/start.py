"""The multipliers that training begins with, where zeros will not do."""

import numpy as np

from genzoo.spaces import Space
from genzoo.types import Array


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
