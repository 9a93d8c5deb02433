"""Measures of the Boltzmann machine of roll calls."""

from collections.abc import Callable

import numpy as np

from genzoo import datasets
from genzoo.models import BoltzmannMachine
from genzoo.types import Array

PARTY = 16


def members(part: int) -> Array:
    """Votes and party of training (0) or test (1) members, (n, 17), NaN."""
    x, party = datasets.votes.load_data()[part]
    return np.column_stack([x, party]).astype(np.float32)


def log_likelihoods(machine: BoltzmannMachine, part: int) -> Array:
    """log p of what is known of each member, nats."""
    x = members(part)
    return machine.log_prob(np.nan_to_num(x), ~np.isnan(x))


def guesses(machine: BoltzmannMachine, hidden: Array) -> Array:
    """Whether what is hidden of test members is guessed, and was known.

    Args:
        machine: the model.
        hidden: true where a number is kept from it, (n, 17).
    """
    x = members(1)
    known = ~np.isnan(x)
    means = machine.conditional_mean(np.nan_to_num(x), known & ~hidden)
    asked = known & hidden
    return np.sign(means[asked]) == x[asked]


def parties(machine: BoltzmannMachine) -> Array:
    """Whether the party of each test member follows from the votes."""
    hidden = np.zeros((len(members(1)), PARTY + 1), bool)
    hidden[:, PARTY] = True
    return guesses(machine, hidden)


def votes(machine: BoltzmannMachine) -> Array:
    """Whether a fifth of the test members' votes follows from the others."""
    hidden = np.random.default_rng(0).random((len(members(1)), PARTY + 1)) < 0.2
    hidden[:, PARTY] = False
    return guesses(machine, hidden)


def _likelihood(part) -> Callable[[BoltzmannMachine], float]:
    return lambda machine: log_likelihoods(machine, part).mean()


SLOW: set = set()
MEASURES = {
    "boltzmann_votes": {
        "log_likelihood_train": _likelihood(0),
        "log_likelihood_test": _likelihood(1),
        "party_accuracy": lambda machine: parties(machine).mean(),
        "hidden_vote_accuracy": lambda machine: votes(machine).mean(),
    }
}
