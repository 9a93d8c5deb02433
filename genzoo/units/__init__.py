"""Unit types of Boltzmann machines."""

from genzoo.units.bernoulli import Bernoulli
from genzoo.units.categorical import Categorical
from genzoo.units.gaussian import Gaussian
from genzoo.units.mixed import Mixed
from genzoo.units.relu import ReLU
from genzoo.units.spin import Spin
from genzoo.units.unit import Unit

__all__ = [
    "Bernoulli",
    "Categorical",
    "Gaussian",
    "Mixed",
    "ReLU",
    "Spin",
    "Unit",
]
