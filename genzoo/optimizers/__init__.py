"""Optimizers: those that see the whole objective, and one that falls."""

from genzoo.optimizers.falling import Falling, FallingAdam
from genzoo.optimizers.lbfgs import LBFGS
from genzoo.optimizers.natural_gradient import NaturalGradient
from genzoo.optimizers.newton import Newton
from genzoo.optimizers.solver import Evaluation, Solver

__all__ = [
    "LBFGS",
    "Evaluation",
    "Falling",
    "FallingAdam",
    "NaturalGradient",
    "Newton",
    "Solver",
]
