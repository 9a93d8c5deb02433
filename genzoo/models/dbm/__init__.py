"""Deep Boltzmann machines."""

from genzoo.models.dbm.model import DeepBoltzmannMachine

__all__ = ["DeepBoltzmannMachine"]
