"""Centring: the states of all layers stand for their difference from means."""

from typing import Any

import tensorflow as tf

from genzoo.models.rbm.centring import Offsets
from genzoo.models.rbm.gradients import centred_biases
from genzoo.runtime import distribute

# The share of each batch in the running means.
_RATE = 0.01


class DeepOffsets(Offsets):
    """The data's mean, and running means of the mean field of the others.

    Args:
        widths: of the layers.
        centered: whether gradients are those of the centred energy. The
            offsets are kept in any case: mean field and annealing begin there.

    Attributes:
        visible: weight, the means of the layers 0, 2, ...
        hidden: weight, those of the layers 1, 3, ...
        pace: weight, by how much each kernel learns faster than the first.
    """

    def __init__(self, widths: list[int], centered: bool, **kwargs):
        super().__init__(
            sum(widths[::2]), sum(widths[1::2]), centered, **kwargs
        )
        self.first = widths[0]
        self.pace = distribute.mirrored_weight(
            self, "pace", (len(widths) - 1,), "ones"
        )

    def penalty(self, machine: Any, plain: list) -> list:
        """A regularizer's gradients; those of kernels are centred too."""
        pair = self.pair(machine)
        if pair is None or all(gradient is None for gradient in plain):
            return plain
        joint = machine.gather(
            [
                tf.zeros_like(weight.value) if gradient is None else gradient
                for gradient, weight in zip(
                    plain, machine.parameters, strict=True
                )
            ]
        )
        kernel, *rest = joint
        at_hidden = machine.visible.statistic_count
        rest = centred_biases(kernel, rest, at_hidden, *pair)
        return machine.spread([kernel, *rest])

    def follow_means(
        self,
        even: tf.Tensor,
        odd: tf.Tensor,
        total: float | tf.Tensor,
    ) -> None:
        """Let the means of hidden layers follow those of the mean field.

        Args:
            even: this replica's share of the mean even state of a batch.
            odd: the same of the odd state.
            total: of the weights in it, over all replicas.
        """
        old = tf.convert_to_tensor(self.visible.value)
        change = _RATE * (distribute.all_sum(even) - total * old)
        moves = tf.range(tf.shape(old)[0]) >= self.first
        self.visible.assign(old + tf.where(moves, change, 0.0))
        self.follow(odd, total)
