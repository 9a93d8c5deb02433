"""Penalties on the discriminator's gradient."""

from genzoo.penalties.one_centred import DRAGAN, GradientPenalty
from genzoo.penalties.penalty import Penalty, get, total
from genzoo.penalties.zero_centred import R1, R2

__all__ = ["DRAGAN", "R1", "R2", "GradientPenalty", "Penalty", "get", "total"]
