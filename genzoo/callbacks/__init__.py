"""Callbacks that watch generative models while they train."""

from genzoo.callbacks.chain_health import ChainHealth
from genzoo.callbacks.collapse_monitor import CollapseMonitor
from genzoo.callbacks.equilibrium import Equilibrium
from genzoo.callbacks.log_likelihood import LogLikelihood
from genzoo.callbacks.sample_grid import SampleGrid

__all__ = [
    "ChainHealth",
    "CollapseMonitor",
    "Equilibrium",
    "LogLikelihood",
    "SampleGrid",
]
