"""The restricted Boltzmann machine."""

from genzoo.models.rbm.mask import local_mask
from genzoo.models.rbm.model import RBM

__all__ = ["RBM", "local_mask"]
