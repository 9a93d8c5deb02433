"""log Z by annealed importance sampling, in both directions.

A path of densities p_beta leads from an independent model (beta = 0), whose
log Z is known, to the model (beta = 1). Chains walk along it; their weights
w = prod p*_{k+1}(x_k) / p*_k(x_k) have the mean Z_1 / Z_0. Walked backwards
from samples of the model, the weights have the mean Z_0 / Z_1.

Reference:
    Neal, "Annealed importance sampling", Statistics and Computing 11, 2001.
    Salakhutdinov and Murray, "On the quantitative analysis of deep belief
    networks", ICML 2008. Burda, Grosse and Salakhutdinov, "Accurate and
    conservative estimates of MRF log-likelihood using reverse annealing",
    AISTATS 2015.
"""

import math
import warnings
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from genzoo.partition.log_partition import ANNEALING, LogPartition
from genzoo.runtime import random
from genzoo.types import ArrayLike, SeedLike


class Weights(NamedTuple):
    """What the log-weights of the chains say of the mean weight.

    Attributes:
        log_mean: log of the mean weight.
        stderr: standard error of `log_mean`.
        ess: effective number of chains, (sum w)^2 / sum w^2.
        mean_log: the mean log-weight.
    """

    log_mean: float
    stderr: float
    ess: float
    mean_log: float


def summarise(log_weights: ArrayLike) -> Weights:
    """`Weights` of an array of log-weights.

    The standard error is the larger of two: the delta method's, which sees
    the weights that came, and that of a log-normal distribution with the
    variance of the log-weights, which knows of the tail that may not have.
    """
    log_weights = np.asarray(log_weights, np.float64)
    count = log_weights.size
    largest = log_weights.max()
    weights = np.exp(log_weights - largest)
    mean = weights.mean()
    delta = weights.std(ddof=1) / (mean * math.sqrt(count))
    variance = log_weights.var(ddof=1)
    log_normal = math.sqrt(variance / count + variance**2 / (2 * (count - 1)))
    return Weights(
        log_mean=float(largest + math.log(mean)),
        stderr=float(max(delta, log_normal)),
        ess=float(weights.sum() ** 2 / np.square(weights).sum()),
        mean_log=float(log_weights.mean()),
    )


class Path(Protocol):
    """Densities p_beta, and how a state is walked along them."""

    def log_ratio(
        self, state: Any, beta: tf.Tensor, following: tf.Tensor, /
    ) -> tf.Tensor:
        """The change of the log of the unnormalised density, (chains,)."""

    def move(self, state: Any, beta: tf.Tensor, seed: random.Seed, /) -> Any:
        """A state after a step that leaves p_beta invariant."""


class Annealed(NamedTuple):
    """Chains at the end of a path.

    Attributes:
        state: where they are, as the path knows walkers. Weighted by their
            weights they are samples of the density at the end.
        log_weights: float64, (chains,); the mean weight is the ratio of the
            normalisations of the end and the start.
    """

    state: Any
    log_weights: tf.Tensor


def anneal(
    path: Path, state: Any, betas: ArrayLike, seed: SeedLike
) -> Annealed:
    """Chains walked along a path, and their log-weights: an `Annealed`.

    Args:
        path: a `Path`, such as `AnnealingPath`.
        state: where the chains start, distributed as p at `betas[0]`.
        betas: increasing from 0 to 1, or decreasing from 1 to 0.
        seed: int, pair of ints or a `runtime.random.Seed`.
    """
    seed = random.as_seed(seed)
    betas = tf.convert_to_tensor(betas, tf.float32)
    last = tf.shape(betas)[0] - 1

    def body(number, state, total):
        beta, following = betas[number], betas[number + 1]
        ratio = path.log_ratio(state, beta, following)
        moved = path.move(state, following, random.fold_in(seed, number))
        return number + 1, moved, total + tf.cast(ratio, tf.float64)

    # The last density needs no move, so the loop ends one step before.
    total = tf.zeros_like(path.log_ratio(state, betas[0], betas[0]), tf.float64)
    _, state, total = tf.while_loop(
        lambda number, *_: number < last - 1,
        body,
        (tf.zeros((), tf.int32), state, total),
        parallel_iterations=1,
    )
    ratio = path.log_ratio(state, betas[last - 1], betas[last])
    return Annealed(state, total + tf.cast(ratio, tf.float64))


def anneal_groups(
    path: Path, state: Any, betas: ArrayLike, seed: SeedLike, group: int
) -> Any:
    """Where chains are that walked along a path, resampled on their way.

    Groups of adjacent chains are populations of their own. Where the weights
    of a group are worth less than a quarter of its chains they are resampled,
    and so they are at the end: all that is returned has the same weight. Row
    r depends on its group alone.

    Args:
        path: a `Path`.
        state: where the chains start, a multiple of `group`, distributed as p
            at `betas[0]`.
        betas: increasing from 0 to 1.
        seed: int, pair of ints or a `runtime.random.Seed`, whose row begins a
            group.
        group: chains of a group, a power of two.

    Returns:
        The state, distributed as p at `betas[-1]` for large groups.

    Reference:
        Del Moral, Doucet and Jasra, "Sequential Monte Carlo samplers", JRSS B
        68, 2006.
    """
    seed = random.as_seed(seed)
    betas = tf.convert_to_tensor(betas, tf.float32)
    last = tf.shape(betas)[0] - 1
    moves, picks = random.split(seed, 2)
    picks = picks.at_row(picks.row // group)

    def renew(state, log_w, number, least):
        # Systematic resampling, of the groups below `least` effective chains.
        weights = tf.nn.softmax(log_w)
        is_poor = 1 / tf.reduce_sum(weights**2, axis=1) < least
        own = random.fold_in(picks, number)
        shift = random.uniform((tf.shape(log_w)[0], 1), own, "float64")
        chosen = tf.searchsorted(
            tf.cumsum(weights, axis=1),
            (_spread(group) + shift) / group,
            side="right",
        )
        chosen = tf.minimum(chosen, group - 1)
        chosen = tf.where(is_poor[:, None], chosen, tf.range(group))
        rows = tf.reshape(
            chosen + group * tf.range(tf.shape(log_w)[0])[:, None], (-1,)
        )
        state = tf.nest.map_structure(lambda each: tf.gather(each, rows), state)
        return state, tf.where(is_poor[:, None], tf.zeros_like(log_w), log_w)

    def weighted(state, log_w, number):
        ratio = path.log_ratio(state, betas[number], betas[number + 1])
        ratio = tf.reshape(tf.cast(ratio, tf.float64), (-1, group))
        return log_w + ratio

    def body(number, state, log_w):
        log_w = weighted(state, log_w, number)
        worth = 1 / tf.reduce_sum(tf.nn.softmax(log_w) ** 2, axis=1)
        state, log_w = tf.cond(
            tf.reduce_any(worth < group / 4),
            lambda: renew(state, log_w, number, group / 4),
            lambda: (state, log_w),
        )
        key = random.fold_in(moves, number)
        return number + 1, path.move(state, betas[number + 1], key), log_w

    none = path.log_ratio(state, betas[0], betas[0])
    log_w = tf.zeros_like(tf.reshape(none, (-1, group)), tf.float64)
    _, state, log_w = tf.while_loop(
        lambda number, *_: number < last - 1,
        body,
        (tf.zeros((), tf.int32), state, log_w),
        parallel_iterations=1,
    )
    log_w = weighted(state, log_w, last - 1)
    return renew(state, log_w, last, math.inf)[0]


def _spread(count):
    """0 to count - 1, so that the first of them, however many, are spread."""
    order = np.arange(count)
    digits = int(count).bit_length() - 1
    found = np.zeros(count)
    for digit in range(digits):
        found += ((order >> digit) & 1) << (digits - 1 - digit)
    return found


def annealed_importance(
    start: float | tf.Tensor,
    forward: ArrayLike,
    backward: ArrayLike | None = None,
    exact: bool = False,
) -> LogPartition:
    """What annealing forwards, and perhaps backwards, says of log Z.

    Args:
        start: log Z at beta = 0.
        forward: log-weights of chains walked up the path, from exact draws.
        backward: log-weights of chains walked down from samples of the
            model, or None.
        exact: whether these samples were independent exact draws.

    Returns:
        A `LogPartition`. A warning is given if both directions disagree by
        more than three of their standard errors.
    """
    start = float(start)
    up = summarise(forward)
    value = start + up.log_mean
    upper = None
    if backward is not None:
        down = summarise(backward)
        upper = start - down.log_mean
        # Equal weights have no standard error, only float32's rounding.
        error = max(math.hypot(up.stderr, down.stderr), 1e-3)
        apart = abs(upper - value) / error
        if apart > 3:
            warnings.warn(
                f"log Z: annealing forwards gives {value:.2f} and backwards "
                f"{upper:.2f} nats, {apart:.1f} standard errors apart. Take "
                "more temperatures; if they still disagree the samples that "
                "the reverse run began with are not in equilibrium, and "
                "likelihoods are uncertain by as much.",
                stacklevel=5,
            )
    return LogPartition(
        value=value,
        stderr=up.stderr,
        ess=up.ess,
        lower=start + up.mean_log,
        upper=upper,
        method=ANNEALING,
        upper_is_bound=backward is not None and exact,
    )
