"""Markov chains as pure functions `(seed, state) -> (state, info)`."""

from genzoo.samplers import ising, lattice_models, lattice_moves
from genzoo.samplers.chain import run
from genzoo.samplers.diagnostics import Diagnosis, diagnose, trace
from genzoo.samplers.discrete_langevin import discrete_langevin
from genzoo.samplers.gibbs import block_gibbs
from genzoo.samplers.hmc import hmc
from genzoo.samplers.independence import independence, independence_start
from genzoo.samplers.langevin import langevin, mala
from genzoo.samplers.metropolis import random_walk_metropolis
from genzoo.samplers.nuts import nuts
from genzoo.samplers.pairwise import PairwiseEnergy, colour
from genzoo.samplers.sites import (
    gibbs_energy,
    gibbs_sites,
    gibbs_sites_from_uniform,
    metropolis_sites,
)
from genzoo.samplers.step_size import tune_step_size
from genzoo.samplers.tempering import parallel_tempering, replica_exchange

__all__ = [
    "Diagnosis",
    "PairwiseEnergy",
    "block_gibbs",
    "colour",
    "diagnose",
    "discrete_langevin",
    "gibbs_energy",
    "gibbs_sites",
    "gibbs_sites_from_uniform",
    "hmc",
    "independence",
    "independence_start",
    "ising",
    "langevin",
    "lattice_models",
    "lattice_moves",
    "mala",
    "metropolis_sites",
    "nuts",
    "parallel_tempering",
    "random_walk_metropolis",
    "replica_exchange",
    "run",
    "trace",
    "tune_step_size",
]
