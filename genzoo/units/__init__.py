"""Unit types of Boltzmann machines."""

from genzoo.units.bernoulli import Bernoulli
from genzoo.units.binomial import Binomial
from genzoo.units.categorical import Categorical
from genzoo.units.double_relu import DoubleReLU
from genzoo.units.gaussian import Gaussian
from genzoo.units.mixed import Mixed
from genzoo.units.multinomial import Multinomial
from genzoo.units.poisson import Poisson
from genzoo.units.relu import ReLU
from genzoo.units.spin import Spin
from genzoo.units.unit import Unit
from genzoo.units.unit_interval import UnitInterval

__all__ = [
    "Bernoulli",
    "Binomial",
    "Categorical",
    "DoubleReLU",
    "Gaussian",
    "Mixed",
    "Multinomial",
    "Poisson",
    "ReLU",
    "Spin",
    "Unit",
    "UnitInterval",
]
