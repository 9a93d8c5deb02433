"""Models: what is compiled and fitted."""

from genzoo.models.common import EnergyBasedModel, GenerativeModel
from genzoo.models.dbm import DeepBoltzmannMachine
from genzoo.models.ebm import EnergyModel
from genzoo.models.gan import GAN
from genzoo.models.maxent import BoltzmannMachine, ConditionalMaxEnt, MaxEnt
from genzoo.models.rbm import RBM, DeepBeliefNetwork, Stack, pretrain

__all__ = [
    "GAN",
    "RBM",
    "BoltzmannMachine",
    "ConditionalMaxEnt",
    "DeepBeliefNetwork",
    "DeepBoltzmannMachine",
    "EnergyBasedModel",
    "EnergyModel",
    "GenerativeModel",
    "MaxEnt",
    "Stack",
    "pretrain",
]
