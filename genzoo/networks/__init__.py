"""Pairs of generator and discriminator: plain Keras models."""

from genzoo.networks.conv1d import conv1d
from genzoo.networks.conv3d import conv3d
from genzoo.networks.dcgan import dcgan
from genzoo.networks.dilepton import dilepton
from genzoo.networks.energy import energy_cnn, energy_mlp
from genzoo.networks.mlp import mlp, tabular
from genzoo.networks.modern import modern
from genzoo.networks.resnet import resnet

__all__ = [
    "conv1d",
    "conv3d",
    "dcgan",
    "dilepton",
    "energy_cnn",
    "energy_mlp",
    "mlp",
    "modern",
    "resnet",
    "tabular",
]
