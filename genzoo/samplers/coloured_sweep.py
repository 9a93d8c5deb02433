"""The loop over the colours of a pairwise energy, whatever happens to a site.

Inside the loop chains stand last, so that the sites of a colour are rows: a
few rows of a matrix are quickly read and written, a few columns are not.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.samplers.pairwise import PairwiseEnergy
from genzoo.types import Array

# A turn of the loop takes the time of so many sites besides its own.
_SITES_PER_TURN = 8
# TensorFlow copies what it writes a row to: that is a block of so many sites.
_SITES_PER_BLOCK = 16


class Info(NamedTuple):
    """Of each chain, the share of its sites that changed, (chains,)."""

    acceptance: tf.Tensor


def coloured_sweep(
    pairwise: PairwiseEnergy, colours: Sequence[Array], name: str
) -> Callable[..., tuple[tf.Tensor, Info]]:
    """A function `(x, rule, *numbers) -> (x, Info)` that visits all colours.

    `rule(field, values, *numbers)` gives the new values of some sites. It has
    all arguments for these sites only, and with chains last: the field is
    (d, sites, chains), all others are (sites, chains).

    Many small colours make a block: its field from all other sites is one
    product of matrices, and what its colours do to each other is added turn
    by turn.
    """
    n, d = pairwise.sites, np.shape(pairwise.encoding)[1]
    groups = _groups(colours, n, name)
    blocks, turns, places = groups.shape
    sites = np.maximum(groups, 0)
    # Below x, and below phi, stand ones, for the bias, and a row that the
    # places left over are written to.
    rows = np.where(groups < 0, n + 1, groups).reshape(blocks, -1)
    codes = groups[:, :, None] + n * np.arange(d)[:, None]
    codes = np.where(groups[:, :, None] < 0, n * d + 1, codes)
    outside, inside = _weights(pairwise, sites, codes)
    rows, codes = tf.constant(rows), tf.constant(codes.reshape(blocks, -1))

    def sweep(x, rule, *numbers):
        drawn = [tf.gather(tf.transpose(each), sites) for each in numbers]
        chains = ops.shape(x)[0]

        def visit(block, x, phi):
            field = tf.matmul(outside[block], phi)
            shape = turns, d * places, chains
            fields = tf.unstack(tf.reshape(field, shape))
            its_numbers = [tf.unstack(each[block]) for each in drawn]
            values = tf.gather(x, rows[block])
            values = tf.unstack(tf.reshape(values, (turns, places, chains)))
            own = tf.gather(phi, codes[block])
            own = tf.unstack(tf.reshape(own, shape))
            weights = None if turns == 1 else tf.unstack(inside[block])
            shape = tf.stack([d, places, chains])
            # Written out: a loop would cost as much as the turns.
            for turn in range(turns):
                total = fields[turn]
                if weights is not None:
                    total += tf.matmul(weights[turn], tf.concat(own, axis=0))
                total = tf.reshape(total, shape)
                its = (each[turn] for each in its_numbers)
                values[turn] = rule(total, values[turn], *its)
                own[turn] = encode_rows(pairwise, values[turn])
            x = _put(x, rows[block], tf.concat(values, axis=0))
            phi = _put(phi, codes[block], tf.concat(own, axis=0))
            return block + 1, x, phi

        first = tf.transpose(x)
        ones = tf.ones_like(first[:1])
        more = [ones, tf.zeros_like(ones)]
        phi = tf.concat([encode_rows(pairwise, first), *more], axis=0)
        # Without chains there is nothing to scatter, which is an error.
        _, last, _ = tf.while_loop(
            lambda block, *_: block < blocks * tf.minimum(chains, 1),
            visit,
            (0, tf.concat([first, *more], axis=0), phi),
        )
        moved = tf.transpose(last[:n])
        return moved, changed(x, moved, np.sum(groups >= 0))

    return sweep


def encode_rows(pairwise: PairwiseEnergy, x: tf.Tensor) -> tf.Tensor:
    """phi, (d * sites, chains), the first of d numbers first, of x."""
    if pairwise.is_encoded:
        return x
    levels = tf.cast(pairwise.levels, x.dtype)
    codes = tf.cast(pairwise.encoding, x.dtype)
    match = tf.cast(x == levels[:, None, None], x.dtype)
    flat = tf.reshape(match, (len(pairwise.levels), -1))
    phi = tf.matmul(codes, flat, transpose_a=True)
    return tf.reshape(phi, (codes.shape[1] * x.shape[0], ops.shape(x)[1]))


def changed(before: tf.Tensor, after: tf.Tensor, sites: int) -> Info:
    """Info of a step that visited so many sites."""
    count = tf.math.count_nonzero(before != after, axis=-1, dtype=after.dtype)
    return Info(count / sites)


def _put(values, rows, new):
    return tf.tensor_scatter_nd_update(values, tf.expand_dims(rows, 1), new)


def _weights(pairwise, sites, codes):
    """What the fields of a block are made of.

    The weights of all rows of phi but the block's own, (blocks, numbers of
    the block, rows), and of its own, (blocks, turns, numbers of a turn,
    numbers of the block).
    """
    n, d = pairwise.sites, np.shape(pairwise.encoding)[1]
    blocks, turns, places = sites.shape
    bias = pairwise.bias[:, None]
    order = (np.arange(d)[:, None] + d * np.arange(n)).ravel()
    columns = [
        tf.gather(pairwise.coupling, order, axis=1),
        bias,
        tf.zeros_like(bias),
    ]
    numbers = np.arange(d)[:, None] + d * sites[:, :, None]
    numbers = numbers.reshape(blocks, -1)
    weights = tf.gather(tf.concat(columns, axis=1), numbers)
    if turns == 1:
        return weights, None
    codes = codes.reshape(blocks, -1)
    inside = tf.gather(weights, codes, axis=2, batch_dims=1)
    others = np.ones((blocks, n * d + 2))
    np.put_along_axis(others, codes, 0.0, axis=1)
    shape = (blocks, turns, d * places, turns * d * places)
    outside = weights * tf.cast(others[:, None], weights.dtype)
    return outside, tf.reshape(inside, shape)


def _groups(colours, n, name):
    """Sites (blocks, turns, places), of one colour in each turn.

    Large colours are divided where colours are of different sizes; places
    left over hold -1.
    """
    colours = [np.asarray(sites) for sites in colours if len(sites)]
    every = np.sort(np.concatenate([np.zeros(0, int), *colours]))
    if (
        not len(every)
        or every.dtype.kind not in "iu"
        or every[0] < 0
        or every[-1] >= n
        or np.any(every[1:] == every[:-1])
    ):
        raise ValueError(
            f"{name}: colours must be arrays of different sites, ints of "
            f"range({n}); received {colours}."
        )
    sizes = [len(sites) for sites in colours]

    def work(places):
        turns = sum(-(-size // places) for size in sizes)
        return turns * (places + _SITES_PER_TURN)

    places = min(sorted(set(sizes)), key=work)
    groups = [
        sites[start : start + places]
        for sites in colours
        for start in range(0, len(sites), places)
    ]
    turns = min(len(groups), max(1, _SITES_PER_BLOCK // places))
    blocks = -(-len(groups) // turns)
    filled = np.full((blocks * turns, places), -1)
    for row, sites in zip(filled, groups, strict=False):
        row[: len(sites)] = sites
    return filled.reshape(blocks, turns, places)
