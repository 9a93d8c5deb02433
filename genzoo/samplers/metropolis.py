"""The Metropolis-Hastings choice, and the plainest sampler made with it.

Reference:
    Hastings, "Monte Carlo sampling methods using Markov chains and their
    applications", Biometrika 57, 1970.
"""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.runtime import random
from genzoo.samplers.chain import LogProb, Step, StepSize, check_moves
from genzoo.types import ArrayLike


class Info(NamedTuple):
    """The probability that each chain's proposal was accepted, (chains,)."""

    acceptance: tf.Tensor


def choose(
    seed: random.Seed, present: Any, proposed: Any, log_ratio: tf.Tensor
) -> tuple[Any, Info]:
    """Each chain's proposal with probability min(1, exp(log_ratio)).

    Args:
        seed: a `runtime.random.Seed`.
        present: a state, a tensor or a nest of tensors, chains first.
        proposed: a state of the same structure.
        log_ratio: log of p(proposed) q(present | proposed) over p(present)
            q(proposed | present), (chains,). NaN, as where both are
            impossible, refuses.

    Returns:
        The state and `Info`.
    """
    acceptance = tf.exp(tf.minimum(log_ratio, 0))
    acceptance = tf.where(acceptance >= 0, acceptance, 0)
    uniform = random.uniform(ops.shape(log_ratio), seed, log_ratio.dtype)
    accepted = uniform < acceptance

    def pick(new, old):
        shape = (ops.shape(old)[0], *(1 for _ in old.shape[1:]))
        return tf.where(tf.reshape(accepted, shape), new, old)

    state = tf.nest.map_structure(pick, proposed, present)
    return state, Info(acceptance)


def random_walk_metropolis(log_prob: LogProb, step_size: StepSize) -> Step:
    """A step that proposes x + step_size * N(0, 1), for real x.

    Accepted with probability min(1, p(proposed) / p(x)). In many dimensions
    an acceptance of 0.234 is best.

    Args:
        log_prob: function from (chains, width) to log p but for a constant,
            (chains,); -inf where p is 0.
        step_size: float or scalar, or one number per coordinate, in the units
            of x.

    Returns:
        A function `(seed, x) -> (x, Info)`.
    """
    check_moves(log_prob, step_size, "random_walk_metropolis")

    def step(seed, x):
        first, second = random.split(seed, 2)
        noise = random.normal(ops.shape(x), first, x.dtype)
        proposed = x + ops.convert_to_tensor(step_size, x.dtype) * noise
        log_ratio = log_prob(proposed) - log_prob(x)
        return choose(second, x, proposed, log_ratio)

    return step


def whole_steps(
    log_prob: LogProb, sites: ArrayLike, scale: ArrayLike, moves: int
) -> Step:
    """A step of `moves` proposals, each of one whole number up or down.

    Which one is drawn for each chain. Half of the proposals are by one, the
    others by 1 plus an exponential number, rounded down.

    Args:
        log_prob: function from (chains, width) to log p but for a constant,
            (chains,); -inf where p is 0.
        sites: positions of the coordinates that move, ints.
        scale: mean of the exponential numbers, one for each of these.
        moves: int, 1 or more.

    Returns:
        A function `(seed, x) -> (x, Info)`.
    """
    sites = np.asarray(sites)

    def propose(seed, x):
        own, choice = random.split(seed, 2)
        share = random.uniform((ops.shape(x)[0], 4), own, x.dtype)
        which, by_one, size, sign = tf.unstack(share, axis=1)
        which = tf.cast(which * len(sites), tf.int32)
        scales = tf.gather(ops.cast(scale, x.dtype), which)
        far = tf.floor(-tf.math.log1p(-size) * scales)
        far = tf.where(by_one < 0.5, 0.0, far) + 1
        change = tf.where(sign < 0.5, -far, far)
        at = tf.gather(sites, which)
        here = tf.one_hot(at, x.shape[-1], dtype=x.dtype)
        return x + here * change[:, None], choice

    return _several(log_prob, propose, moves)


def uniform_jumps(
    log_prob: LogProb, low: ArrayLike, high: ArrayLike, moves: int
) -> Step:
    """A step of `moves` proposals, each of one coordinate from end to end.

    Which one is drawn for each chain; it is proposed anywhere between its
    ends, evenly. So a coordinate leaves a mode whatever lies between, as an
    angle does at the ends of (-pi, pi).

    Args:
        log_prob: function from (chains, width) to log p but for a constant,
            (chains,); -inf where p is 0.
        low: where each coordinate ends below, (width,).
        high: where it ends above. Those with an infinite end are not moved.
        moves: int, 1 or more.

    Returns:
        A function `(seed, x) -> (x, Info)`.
    """
    low, high = np.broadcast_arrays(low, high)
    sites = np.flatnonzero(np.isfinite(low) & np.isfinite(high))

    edge = np.where(np.isfinite(low), low, 0.0)
    span = np.zeros(len(low))
    span[sites] = (high - low)[sites]

    def propose(seed, x):
        site, place, choice = random.split(seed, 3)
        share = random.uniform((ops.shape(x)[0], 1), site, x.dtype)
        which = tf.cast(share[:, 0] * len(sites), tf.int32)
        here = tf.one_hot(tf.gather(sites, which), len(low), True, False)
        anywhere = random.uniform(ops.shape(x), place, x.dtype)
        anywhere = ops.cast(edge, x.dtype) + ops.cast(span, x.dtype) * anywhere
        return tf.where(here, anywhere, x), choice

    return _several(log_prob, propose, moves)


def _several(log_prob, propose, moves):
    """A step of some proposals, each accepted or not by Metropolis's rule.

    `propose` takes (seed, x) and gives what is proposed, and the seed of the
    choice.
    """

    def step(seed, x):
        def move(number, x, value, _):
            proposed, choice = propose(random.fold_in(seed, number), x)
            new = log_prob(proposed)
            (x, value), info = choose(
                choice, (x, value), (proposed, new), new - value
            )
            return number + 1, x, value, info.acceptance

        value = log_prob(x)
        _, x, _, acceptance = tf.while_loop(
            lambda number, *_: number < moves,
            move,
            (tf.zeros((), tf.int32), x, value, tf.zeros_like(value)),
        )
        return x, Info(acceptance)

    return step
