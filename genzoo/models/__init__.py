"""Models: what is compiled and fitted."""

from genzoo.models.boltzmann_machine import BoltzmannMachine
from genzoo.models.energy_based_model import EnergyBasedModel
from genzoo.models.gan import GAN
from genzoo.models.generative_model import GenerativeModel
from genzoo.models.maxent import MaxEnt
from genzoo.models.rbm import RBM

__all__ = [
    "GAN",
    "RBM",
    "BoltzmannMachine",
    "EnergyBasedModel",
    "GenerativeModel",
    "MaxEnt",
]
