"""Maximum entropy, and Boltzmann machines, its pairwise case."""

from genzoo.models.maxent.boltzmann_machine import BoltzmannMachine
from genzoo.models.maxent.conditional import ConditionalMaxEnt
from genzoo.models.maxent.model import MaxEnt

__all__ = ["BoltzmannMachine", "ConditionalMaxEnt", "MaxEnt"]
