"""The shell that all models share."""

from genzoo.models.common.energy_based_model import EnergyBasedModel
from genzoo.models.common.generative_model import GenerativeModel

__all__ = ["EnergyBasedModel", "GenerativeModel"]
