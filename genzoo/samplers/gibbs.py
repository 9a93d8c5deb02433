"""Block Gibbs sampling of two layers that are each independent given the other.

Reference:
    Geman and Geman, "Stochastic relaxation, Gibbs distributions, and the
    Bayesian restoration of images", IEEE PAMI 6, 1984.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from genzoo.runtime import random
from genzoo.samplers.chain import Step
from genzoo.units.unit import Unit


class State(NamedTuple):
    """One state of each chain, (chains, width of the layer) each."""

    visible: tf.Tensor
    hidden: tf.Tensor


class Info(NamedTuple):
    """The fields that the two layers were drawn with."""

    visible_field: tf.Tensor
    hidden_field: tf.Tensor


def block_gibbs(
    visible: Unit,
    hidden: Unit,
    visible_field: Callable[[tf.Tensor], tf.Tensor],
    hidden_field: Callable[[tf.Tensor], tf.Tensor],
) -> Step:
    """A step that draws the visible layer anew, then the hidden one.

    Args:
        visible: the visible `Unit`.
        hidden: the hidden `Unit`.
        visible_field: function from hidden states to the visible field.
        hidden_field: function from visible states to the hidden field.

    Returns:
        A function `(seed, State) -> (State, Info)`.
    """

    def step(seed, state):
        first, second = random.split(seed, 2)
        to_visible = visible_field(state.hidden)
        v = visible.sample(to_visible, first)
        to_hidden = hidden_field(v)
        h = hidden.sample(to_hidden, second)
        return State(v, h), Info(to_visible, to_hidden)

    return step


def collapsed_gibbs(
    unit: Unit, other: Unit, kernel: tf.Tensor
) -> Callable[[random.Seed, tf.Tensor], tf.Tensor]:
    """A sweep over one layer, unit by unit, with the other layer summed out.

    Each unit is drawn from `p(x_i | all other x)`, whatever the other layer
    is. Block Gibbs sampling does not leave a mode that a single unit holds
    through many of the other layer's; this does. It costs as many
    log-cumulants as the kernel has elements, times the levels.

    Args:
        unit: a `Unit`; blocks of it without finitely many levels stay as they
            are.
        other: the other layer's.
        kernel: (unit.width, other.width).

    Returns:
        A function `(seed, x)` to states x, (chains, unit.width).
    """
    sweeps = []
    column = site = 0
    for block in unit.blocks():
        columns = slice(column, column + block.width)
        sites = slice(site, site + block.size)
        column, site = columns.stop, sites.stop
        if block.has_level_potentials:
            own = _sweep_block(block, other, kernel[columns])
            sweeps.append((columns, sites, own))

    def sweep(seed, x):
        uniform = random.uniform(
            (tf.shape(x)[0], unit.size), seed, kernel.dtype
        )
        field = tf.matmul(x, kernel)
        for columns, sites, own in sweeps:
            drawn, field = own(x[:, columns], field, uniform[:, sites])
            x = tf.concat(
                [x[:, : columns.start], drawn, x[:, columns.stop :]], axis=1
            )
        return x

    return sweep


def _sweep_block(unit, other, kernel):
    """A function `(x, field, uniform)` to (x, field) after a sweep."""
    levels = tf.cast(unit.levels, kernel.dtype)
    depth = levels.shape[1]
    kernels = tf.reshape(kernel, (unit.size, depth, other.width))
    potentials = unit.level_potentials(kernel.dtype)

    def sweep(x, field, uniform):

        def body(site, sites, field):
            change = levels - sites[site][:, None]
            moved = field[:, None] + tf.matmul(change, kernels[site])
            flat = tf.reshape(moved, (-1, other.width))
            cumulant = tf.reshape(
                other.log_cumulant(flat), (-1, levels.shape[0])
            )
            logits = potentials[site] + cumulant
            ends = tf.cumsum(tf.nn.softmax(logits), axis=1)[:, :-1]
            passed = ends <= uniform[:, site][:, None]
            chosen = tf.reduce_sum(tf.cast(passed, tf.int32), axis=1)
            field = tf.gather(moved, chosen, axis=1, batch_dims=1)
            drawn = tf.gather(levels, chosen)
            sites = tf.tensor_scatter_nd_update(sites, [[site]], drawn[None])
            return site + 1, sites, field

        sites = tf.transpose(tf.reshape(x, (-1, unit.size, depth)), (1, 0, 2))
        _, sites, field = tf.while_loop(
            lambda site, *_: site < unit.size,
            body,
            (tf.zeros((), tf.int32), sites, field),
            parallel_iterations=1,
        )
        x = tf.reshape(tf.transpose(sites, (1, 0, 2)), (-1, unit.width))
        return x, field

    return sweep
