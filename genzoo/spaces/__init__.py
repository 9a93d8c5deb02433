"""Sample spaces: what a model's examples may be."""

from genzoo.spaces import lattice
from genzoo.spaces.angle import Angle
from genzoo.spaces.continuous import Box, Interval, Real
from genzoo.spaces.counts import Counts
from genzoo.spaces.discrete import Binary, Categorical, OneHot, Spin
from genzoo.spaces.grid import Axis, Grid, Stretch
from genzoo.spaces.product import Product
from genzoo.spaces.space import Space

__all__ = [
    "Angle",
    "Axis",
    "Binary",
    "Box",
    "Categorical",
    "Counts",
    "Grid",
    "Interval",
    "OneHot",
    "Product",
    "Real",
    "Space",
    "Spin",
    "Stretch",
    "lattice",
]
