"""Centring: v and h stand for their difference from the data's mean."""

from typing import Any

import keras
import tensorflow as tf

from genzoo.models.rbm import gradients
from genzoo.models.rbm.machine import Machine
from genzoo.runtime import distribute

# The share of each batch in the running mean of the hidden states.
_RATE = 0.01


class Offsets(keras.layers.Layer):
    """The data's mean visible state, and a running mean of the hidden one.

    Args:
        visible: number of visible offsets.
        hidden: number of hidden offsets.
        centered: whether gradients are those of the centred energy. The
            offsets are kept in any case: annealing begins at these means.
        records: whether the mean hidden state of each batch is kept.

    Attributes:
        visible: weight c, (visible.width,).
        hidden: weight d, (hidden.width,).
        latest: weight, the mean hidden state of the last batch, or None.
    """

    def __init__(
        self,
        visible: int,
        hidden: int,
        centered: bool,
        records: bool = False,
        **kwargs,
    ):
        super().__init__(trainable=False, **kwargs)
        self.centered = centered
        self.visible, self.hidden = (
            distribute.mirrored_weight(self, f"{name}_offset", (width,))
            for name, width in (("visible", visible), ("hidden", hidden))
        )
        self.latest: Any = (
            distribute.mirrored_weight(self, "latest", (hidden,))
            if records
            else None
        )
        self.built = True

    def pair(self, machine: Machine) -> tuple[tf.Tensor, tf.Tensor] | None:
        """(c, d) of the centred energy, or None without centring."""
        if not self.centered:
            return None
        c = tf.convert_to_tensor(self.visible.value)
        d = tf.convert_to_tensor(self.hidden.value)
        # An offset is undone by the other layer's bias, if that can move.
        movable = machine.kernel.trainable
        c *= float(movable and machine.hidden.bias.trainable)
        d *= float(movable and machine.visible.bias.trainable)
        return c, d

    def center(self, machine: Machine, plain: list) -> list:
        """Centred gradients from plain ones."""
        pair = self.pair(machine)
        if pair is None:
            return plain
        return gradients.center(machine.layers(), plain, *pair)

    def penalty(self, machine: Machine, plain: list) -> list:
        """A regularizer's gradients; the kernel's is centred like its own."""
        pair = self.pair(machine)
        kernel, *rest = plain
        if kernel is None or pair is None:
            return plain
        rest = [
            tf.zeros_like(weight.value) if gradient is None else gradient
            for gradient, weight in zip(
                rest, machine.parameters[1:], strict=True
            )
        ]
        visible, hidden = machine.visible, machine.hidden
        own = len(visible.parameters)
        joint = [*visible.gather(rest[:own]), *hidden.gather(rest[own:])]
        at_hidden = visible.statistic_count
        rest = gradients.centred_biases(kernel, joint, at_hidden, *pair)
        return machine.spread([kernel, *rest])

    def uncentred(self, machine: Machine, found: list) -> list:
        """Gradients of the other weights with `a + W d`, `b + W' c` fixed.

        For steps after which the kernel is moved once more: `settle` then
        makes up for all that the kernel moved.
        """
        pair = self.pair(machine)
        if pair is None:
            return found
        kernel, *rest = found
        own = len(machine.visible.parameters)
        joint = [
            *machine.visible.gather(rest[:own]),
            *machine.hidden.gather(rest[own:]),
        ]
        # The same map, the other way round.
        at_hidden = machine.visible.statistic_count
        rest = gradients.centred_biases(-kernel, joint, at_hidden, *pair)
        return machine.spread([kernel, *rest])

    def settle(self, machine: Machine, before: tf.Tensor) -> None:
        """Biases follow a kernel that has moved since `before`."""
        pair = self.pair(machine)
        if pair is None:
            return
        c, d = pair
        moved = tf.convert_to_tensor(machine.kernel.value) - before
        for unit, shift in (
            (machine.visible, tf.linalg.matvec(moved, d)),
            (machine.hidden, tf.linalg.matvec(moved, c, transpose_a=True)),
        ):
            unit.bias.assign(tf.convert_to_tensor(unit.bias.value) - shift)

    def follow(self, mean: tf.Tensor, total: float | tf.Tensor = 1.0) -> None:
        """Let the hidden offset follow the data's mean hidden state.

        Slowly: an offset taken from the batch itself is correlated with its
        gradient, and the bias of their product does not vanish at the
        maximum of the likelihood.

        Args:
            mean: this replica's share of the mean over a batch.
            total: of the weights in it, over all replicas.
        """
        old = tf.convert_to_tensor(self.hidden.value)
        of_batch = distribute.all_sum(mean)
        change = _RATE * (of_batch - total * old)
        self.hidden.assign(old + change)
        if self.latest is not None:
            self.latest.assign(tf.math.divide_no_nan(of_batch, total))
