"""Pairs of generator and discriminator: plain Keras models."""

from genzoo.networks.dcgan import dcgan
from genzoo.networks.dilepton import dilepton
from genzoo.networks.energy import energy_cnn, energy_mlp
from genzoo.networks.mlp import mlp, tabular
from genzoo.networks.resnet import resnet

__all__ = [
    "dcgan",
    "dilepton",
    "energy_cnn",
    "energy_mlp",
    "mlp",
    "resnet",
    "tabular",
]
