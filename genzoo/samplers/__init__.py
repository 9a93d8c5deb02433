"""Markov chains as pure functions `(seed, state) -> (state, info)`."""

from genzoo.samplers.chain import run
from genzoo.samplers.gibbs import block_gibbs

__all__ = ["block_gibbs", "run"]
