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
