"""The restricted Boltzmann machine."""

from genzoo.models.rbm.belief import DeepBeliefNetwork
from genzoo.models.rbm.mask import local_mask
from genzoo.models.rbm.model import RBM
from genzoo.models.rbm.stack import Stack, pretrain

__all__ = ["RBM", "DeepBeliefNetwork", "Stack", "local_mask", "pretrain"]
