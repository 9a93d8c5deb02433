"""Pairs of generator and discriminator: plain Keras models."""

from genzoo.networks.dcgan import dcgan
from genzoo.networks.dilepton import dilepton
from genzoo.networks.mlp import mlp
from genzoo.networks.resnet import resnet

__all__ = ["dcgan", "dilepton", "mlp", "resnet"]
