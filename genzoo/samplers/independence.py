"""Metropolis-Hastings with proposals that do not look at the present state.

Reference:
    Tierney, "Markov chains for exploring posterior distributions", Annals of
    Statistics 22, 1994.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import random
from genzoo.samplers.chain import LogProb, Step
from genzoo.samplers.metropolis import choose
from genzoo.types import SeedLike

Propose: TypeAlias = Callable[[random.Seed, int], tuple[tf.Tensor, tf.Tensor]]


class State(NamedTuple):
    """Values (chains, width), and log p - log q of each chain, (chains,)."""

    x: tf.Tensor
    log_weight: tf.Tensor


def independence(log_prob: LogProb, propose: Propose) -> Step:
    """A step that proposes a draw from q, whatever the state.

    Accepted with probability min(1, w(proposed) / w(x)), w = p / q. If w is
    bounded by c times its mean, each step forgets its start with probability
    1 / c at least: for q near p a few steps are nearly exact draws. Where q is
    0, p must be 0.

    Args:
        log_prob: function from (chains, width) to log p but for a constant,
            (chains,); -inf where p is 0.
        propose: function `(seed, n) -> (x, log q(x))` of shapes (n, width)
            and (n,), addressed by the seed's row; log q may lack a constant.

    Returns:
        A function `(seed, State) -> (State, Info)`; `independence_start`
        makes the first state.

    Raises:
        ValueError: if one of the two is no function.
    """
    checks.function(log_prob, "independence: log_prob")
    checks.function(propose, "independence: propose")

    def step(seed, state):
        first, second = random.split(seed, 2)
        x, log_q = propose(first, ops.shape(state.x)[0])
        proposed = State(x, log_prob(x) - log_q)
        log_ratio = proposed.log_weight - state.log_weight
        return choose(second, state, proposed, log_ratio)

    return step


def independence_start(
    log_prob: LogProb, propose: Propose, seed: SeedLike, chains: int
) -> State:
    """The `State` of chains that begin at proposals."""
    x, log_q = propose(random.as_seed(seed), chains)
    return State(x, log_prob(x) - log_q)
