"""Energies of any network."""

from genzoo.models.ebm.model import EnergyModel

__all__ = ["EnergyModel"]
