"""Discrete sites, drawn or moved given the others: Gibbs and Metropolis.

References:
    Metropolis, Rosenbluth, Rosenbluth, Teller and Teller, "Equation of state
    calculations by fast computing machines", J. Chem. Phys. 21, 1953.

    Geman and Geman, "Stochastic relaxation, Gibbs distributions, and the
    Bayesian restoration of images", IEEE PAMI 6, 1984.
"""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import random
from genzoo.samplers.chain import LogProb, Step
from genzoo.samplers.coloured_sweep import (
    Info,
    changed,
    coloured_sweep,
    encode_rows,
)
from genzoo.samplers.pairwise import PairwiseEnergy, colour
from genzoo.types import Array, ArrayLike

__all__ = [
    "Info",
    "PairwiseEnergy",
    "colour",
    "gibbs_energy",
    "gibbs_sites",
    "gibbs_sites_from_uniform",
    "metropolis_sites",
]

# A Metropolis move is tried with this probability. If it always were, sites
# without a preference would change at every sweep, all at once, for ever.
_TRIED = 15 / 16


def gibbs_sites(
    pairwise: PairwiseEnergy,
    colours: Sequence[Array],
    kept: tf.Tensor | None = None,
) -> Step:
    """A sweep that draws the sites of one colour after the other anew.

    Each site is drawn from p(x_i | all others), at once for all sites of one
    colour, which do not interact. The state is a tensor of values, (chains,
    n). A sweep leaves p as it is; it is not reversible.

    Args:
        pairwise: the `PairwiseEnergy`.
        colours: arrays of sites, as from `colour`. Sites of no colour keep
            their values.
        kept: which sites of which chains keep their values, too, bool
            (chains, n); None for none.

    Returns:
        A function `(seed, x) -> (x, Info)`.

    Raises:
        ValueError: if a colour holds what is no site, or a site twice.
    """
    sweep = gibbs_sites_from_uniform(pairwise, colours, kept)

    def step(seed, x):
        uniform = random.uniform(ops.shape(x), seed, pairwise.bias.dtype)
        return sweep(uniform, x)

    return step


def gibbs_sites_from_uniform(
    pairwise: PairwiseEnergy,
    colours: Sequence[Array],
    kept: tf.Tensor | None = None,
) -> Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, Info]]:
    """The sweep of `gibbs_sites` as a function of its uniform numbers.

    Returns:
        A function `(uniform, x) -> (x, Info)`, the numbers in [0, 1) and of
        the shape of x.
    """
    sweep = coloured_sweep(pairwise, colours, "gibbs_sites")
    dtype = pairwise.bias.dtype
    levels = tf.cast(pairwise.levels, dtype)
    codes = tf.cast(pairwise.encoding, dtype)

    more = [] if kept is None else [tf.cast(kept, dtype)]

    # Of two levels. Outside of the rule, which is written out for many turns.
    rise, first, last = codes[1] - codes[0], levels[0], levels[-1]

    def draw_of_two(field, values, threshold, *stays):
        logit = tf.squeeze(field, 0) * rise
        drawn = tf.where(logit > threshold, last, first)
        return tf.where(stays[0] > 0, values, drawn) if stays else drawn

    def draw_of_many(field, values, uniform, *stays):
        flat = tf.reshape(field, (codes.shape[1], -1))
        shape = (len(pairwise.levels), *ops.shape(uniform))
        weights = tf.reshape(tf.matmul(codes, flat), shape)
        drawn = _draw_level(levels, weights, uniform)
        return tf.where(stays[0] > 0, values, drawn) if stays else drawn

    def step(uniform, x):
        if codes.shape == (2, 1):
            # u < sigmoid(logit) <=> log(u / (1 - u)) < logit. The difference
            # is exact, and ONNX has no log1p.
            threshold = tf.math.log(uniform) - tf.math.log(1 - uniform)
            return sweep(x, draw_of_two, threshold, *more)
        return sweep(x, draw_of_many, uniform, *more)

    return step


def metropolis_sites(
    pairwise: PairwiseEnergy, colours: Sequence[Array]
) -> Step:
    """A sweep that proposes another level to each site, colour after colour.

    The other level is uniform among the q - 1, and taken with probability
    min(1, p(proposed) / p(present)), after a toss that calls off one move in
    16: without it, sites of no preference would flip back and forth together.
    The state is a tensor of values, (chains, n). `Info.acceptance` is the
    share of moves that were made.

    Args:
        pairwise: the `PairwiseEnergy`.
        colours: arrays of sites, as from `colour`. Sites of no colour keep
            their values.

    Returns:
        A function `(seed, x) -> (x, Info)`.

    Raises:
        ValueError: if a colour holds what is no site, or a site twice.
    """
    sweep = coloured_sweep(pairwise, colours, "metropolis_sites")
    dtype = pairwise.bias.dtype
    levels = tf.cast(pairwise.levels, dtype)

    def propose(seed, x):
        if len(pairwise.levels) == 2:
            return tf.where(x == levels[0], levels[1], levels[0])
        uniform = random.uniform(ops.shape(x), seed, dtype)
        away = 1 + tf.cast(uniform * (len(pairwise.levels) - 1), tf.int32)
        numbers = (pairwise.level_numbers(x) + away) % len(pairwise.levels)
        return pairwise.decode(numbers)

    def move(field, present, proposed, threshold):
        phi = encode_rows(pairwise, proposed) - encode_rows(pairwise, present)
        gain = field * tf.reshape(phi, ops.shape(field))
        accepted = tf.reduce_sum(gain, axis=0) > threshold
        return tf.where(accepted, proposed, present)

    def step(seed, x):
        first, second = random.split(seed, 2)
        # A site moves once in a sweep: what it proposes is known before.
        proposed = propose(first, x)
        uniform = random.uniform(ops.shape(x), second, dtype) / _TRIED
        threshold = tf.where(uniform < 1, tf.math.log(uniform), np.inf)
        return sweep(x, move, proposed, threshold)

    return step


def gibbs_energy(
    energy: LogProb,
    levels: Sequence[ArrayLike | None],
    kept: tf.Tensor | None = None,
) -> Step:
    """A sweep that draws site after site anew, for an energy of any kind.

    The energy is evaluated for each level of a site, all others kept: `width
    * q` times a chain and sweep, where a `PairwiseEnergy` takes the time of
    one. The state is a tensor of values, (chains, width).

    Args:
        energy: function from (rows, width) to energies in nats, (rows,);
            infinite where p(x) = 0.
        levels: for each coordinate of x an array of its levels, or None for
            one that is not discrete and keeps its value.
        kept: which numbers of which chains keep their values, too, bool
            (chains, width); None for none.

    Returns:
        A function `(seed, x) -> (x, Info)`.

    Raises:
        ValueError: if no coordinate is discrete.
    """
    checks.function(energy, "gibbs_energy: energy")
    if not isinstance(levels, (list, tuple, np.ndarray)):
        checks.refuse(
            levels, "gibbs_energy: levels", "a list of one array for each site"
        )
    width = len(levels)
    sites = [i for i in range(width) if levels[i] is not None]
    tables = [np.asarray(levels[i]) for i in sites]
    if not sites:
        raise ValueError("gibbs_energy: levels holds no discrete site.")

    def draw_site(x, site, table, uniform):
        table = tf.cast(table, x.dtype)
        here = tf.range(width) == site
        candidates = tf.where(here, table[:, None, None], x)
        rows = tf.reshape(candidates, (-1, width))
        energies = tf.reshape(energy(rows), (table.shape[0], -1))
        uniform = tf.cast(uniform, energies.dtype)
        drawn = _draw_level(table, -energies, uniform)
        moves = here if kept is None else here & ~kept
        return tf.where(moves, drawn[:, None], x)

    def step(seed, x):
        before = x
        uniform = random.uniform((ops.shape(x)[0], len(sites)), seed, x.dtype)
        if len({len(table) for table in tables}) == 1:
            site_of, table_of = (
                tf.constant(sites),
                tf.constant(np.stack(tables)),
            )
            _, x = tf.while_loop(
                lambda turn, x: turn < len(sites),
                lambda turn, x: (
                    turn + 1,
                    draw_site(
                        x, site_of[turn], table_of[turn], uniform[:, turn]
                    ),
                ),
                (0, x),
            )
        else:
            for turn, site in enumerate(sites):
                x = draw_site(x, site, tables[turn], uniform[:, turn])
        return x, changed(before, x, len(sites))

    return step


def _draw_level(levels, log_weights, uniform):
    """Levels (...) from their log-weights (q, ...) and uniform numbers (...).

    The cumulative distribution is inverted.
    """
    weights = tf.exp(log_weights - tf.reduce_max(log_weights, axis=0))
    # Sums of slices: a cumsum takes three times as long.
    sums = list(itertools.accumulate(tf.unstack(weights)))
    drawn = tf.fill(ops.shape(uniform), levels[0])
    for number, below in enumerate(sums[:-1]):
        beyond = below <= uniform * sums[-1]
        drawn = tf.where(beyond, levels[number + 1], drawn)
    return drawn
