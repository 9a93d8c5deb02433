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

from genzoo import checks
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

    The standard error is the largest of three: the delta method's, which sees
    the weights that came; that of a log-normal distribution with the variance
    of the log-weights; and what the tail may hold beyond the largest weight.
    Where few chains find a narrow mode that holds much of Z, weights have a
    power law's tail, `P(w) ~ w^(-1 / k)`, and most of their mean may not have
    come: of what the largest has above the mean, some `k / (1 - k)` is
    missing, of which twice is taken.

    Reference:
        Hill, "A simple general approach to inference about the tail of a
        distribution", Annals of Statistics 3, 1975. Vehtari et al., "Pareto
        smoothed importance sampling", JMLR 25(72), 2024.

    Raises:
        ValueError: for less than two of them.
    """
    log_weights = np.asarray(log_weights)
    if log_weights.dtype.kind not in "biuf":
        checks.refuse(log_weights, "summarise: log_weights", "numbers")
    log_weights = log_weights.astype(np.float64)
    if log_weights.size < 2:
        raise ValueError(
            "summarise: log_weights must be two or more; received "
            f"{log_weights.size}."
        )
    count = log_weights.size
    largest = log_weights.max()
    weights = np.exp(log_weights - largest)
    mean = weights.mean()
    delta = weights.std(ddof=1) / (mean * math.sqrt(count))
    variance = log_weights.var(ddof=1)
    log_normal = math.sqrt(variance / count + variance**2 / (2 * (count - 1)))
    k = _tail_index(log_weights)
    above = (1 / mean - 1) / count
    missing = math.log1p(2 * k / (1 - k) * above)
    return Weights(
        log_mean=float(largest + math.log(mean)),
        stderr=float(max(delta, log_normal, missing)),
        ess=float(weights.sum() ** 2 / np.square(weights).sum()),
        mean_log=float(log_weights.mean()),
    )


def _tail_index(log_weights):
    """k of a power law through the largest weights, held towards 1/2.

    At most 0.85: from 1 on the mean is infinite, which that of w is not.
    """
    count = log_weights.size
    largest = math.ceil(min(0.2 * count, 3 * math.sqrt(count)))
    ranked = np.sort(log_weights)
    threshold = ranked[-largest - 1] if largest < count else ranked[0]
    excess = float(np.sum(ranked[-largest:] - threshold))
    prior = 10
    return min((excess + 0.5 * prior) / (largest + prior), 0.85)


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
        log_weights: float64, (chains,) or (islands,); the mean weight is the
            ratio of the normalisations of the end and the start.
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


def anneal_islands(
    path: Path, state: Any, betas: ArrayLike, seed: SeedLike, islands: Any
) -> Annealed:
    """Some islands of chains walked along a path: an `Annealed`.

    On an island, chains whose weight has grown are copied and others die as
    soon as half of them have the weight, and at the end: all that walk on
    count, and a mode that grows on the way is not left to the few that found
    it. The mean of each island's ratio is the true one; islands know nothing
    of each other, so that they differ by as much as the estimate is
    uncertain.

    Args:
        path: a `Path`.
        state: where the chains start, distributed as p at `betas[0]`;
            islands of the same size one after the other.
        betas: increasing from 0 to 1, or decreasing from 1 to 0.
        seed: int, pair of ints or a `runtime.random.Seed`, whose row begins
            an island.
        islands: how many, an int or an int tensor.

    Returns:
        The chains, which all have the same weight, the first of an island as
        different as all; and log Z_1 / Z_0 of each island.

    Reference:
        Del Moral, Doucet and Jasra, "Sequential Monte Carlo samplers",
        JRSS B 68, 2006.
    """
    seed = random.as_seed(seed)
    betas = tf.convert_to_tensor(betas, tf.float32)
    number_of = tf.shape(betas)[0] - 1
    ratio = path.log_ratio(state, betas[0], betas[0])
    total = tf.reshape(tf.zeros_like(ratio, tf.float64), (islands, -1))
    size = tf.shape(total)[1]

    def weigh(number, state, total):
        ratio = path.log_ratio(state, betas[number], betas[number + 1])
        return total + tf.reshape(tf.cast(ratio, tf.float64), (islands, -1))

    def resample(state, total, seed, least, order):
        if not isinstance(seed.row, int) or seed.row:
            row = tf.cast(seed.row, tf.int64) // tf.cast(size, tf.int64)
            seed = seed.at_row(row)
        chosen, total, gained = _resampled(total, seed, least, order)
        state = tf.nest.map_structure(lambda x: tf.gather(x, chosen), state)
        return state, total, gained

    def body(number, state, total, found):
        total = weigh(number, state, total)
        first, second = random.split(random.fold_in(seed, number), 2)
        state, total, gained = resample(state, total, first, 0.5, tf.range)
        state = path.move(state, betas[number + 1], second)
        return number + 1, state, total, found + gained

    _, state, total, found = tf.while_loop(
        lambda number, *_: number < number_of - 1,
        body,
        (tf.zeros((), tf.int32), state, total, tf.zeros_like(total[:, 0])),
        parallel_iterations=1,
    )
    total = weigh(number_of - 1, state, total)
    last = random.fold_in(seed, number_of - 1)
    state, _, _ = resample(state, total, last, math.inf, _spread)
    return Annealed(state, found + _log_mean(total))


def _log_mean(log_weights):
    count = tf.cast(tf.shape(log_weights)[1], tf.float64)
    return tf.reduce_logsumexp(log_weights, axis=1) - tf.math.log(count)


def _spread(count):
    """All numbers below a count, the first of them spread over all."""
    share = tf.range(tf.cast(count, tf.float64)) * ((math.sqrt(5) - 1) / 2)
    return tf.cast(tf.argsort(tf.argsort(share % 1.0)), tf.float64)


def _resampled(total, seed, least, order):
    """(chains to go on with, log-weights, log-ratios set free) by island.

    Those islands are resampled that are worth less than this share.
    """
    islands, count = tf.unstack(tf.shape(total))
    share = tf.nn.softmax(total, axis=1)
    few = 1 / tf.reduce_sum(tf.square(share), axis=1) < least * tf.cast(
        count, tf.float64
    )
    # One number an island: copies as even as can be.
    shift = random.uniform((islands, 1), seed, "float64")
    marks = (order(tf.cast(count, tf.float64))[None] + shift) / tf.cast(
        count, tf.float64
    )
    chosen = tf.searchsorted(tf.cumsum(share, axis=1), marks, side="right")
    chosen = tf.minimum(chosen, count - 1)
    chosen = tf.where(few[:, None], chosen, tf.range(count)[None])
    chosen += count * tf.range(islands)[:, None]
    gained = tf.where(few, _log_mean(total), 0.0)
    total = tf.where(few[:, None], tf.zeros_like(total), total)
    return tf.reshape(chosen, (-1,)), total, gained


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
