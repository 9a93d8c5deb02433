"""Labels: the last block of the visible units, predicted from the others.

`p(y | x)` is exact: free energies at all states of the label block, for which
the field of x on the hidden units is made once.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.models.rbm.machine import Machine
from genzoo.runtime import batch, data
from genzoo.spaces import Product, Space
from genzoo.types import Array
from genzoo.units import Mixed, Unit

# Joint states of the label block that are summed over.
MOST_STATES = 2**10


class Scores(NamedTuple):
    """Of a batch, this replica's shares.

    Attributes:
        loss: the mean of -log p(y | x).
        accuracy: how often y is the most probable.
        energy: the mean energy of (x, y).
    """

    loss: tf.Tensor
    accuracy: tf.Tensor
    energy: tf.Tensor


class Labels:
    """The label block of an RBM, and what the others say of it.

    Args:
        machine: the `Machine`, of visible units with labels; see `why_not`.

    Attributes:
        block: the label block.
        space: of what it is predicted from.
    """

    def __init__(self, machine: Machine):
        visible: Any = machine.visible
        self.machine = machine
        self.block: Unit = visible.units[-1]
        spaces: list[Space] = [unit.space for unit in visible.units[:-1]]
        self.named = Product(spaces, visible.names[:-1])
        self.space: Space = self.named if len(spaces) > 1 else spaces[0]
        self.width = self.space.width

    def joined(self, where: str, x: Any, y: Any, wide: bool) -> Array:
        """Checked examples (n, width) of the other blocks and of labels."""
        visible: Any = self.machine.visible
        x = self.checked(where, x, wide)
        label = {visible.names[-1]: y}
        own = Product([self.block.space], visible.names[-1:])
        y = own.check(where, label, wide)
        if len(x) != len(y):
            raise ValueError(
                f"{where}: x has {len(x)} rows, and y has {len(y)}."
            )
        # Of what is sparse labels would stand beside it.
        x = np.asarray(x)
        return np.concatenate([x.reshape(len(x), -1), y], axis=1)

    def blocks(self, x: Any, y: Any) -> dict[str, Any]:
        """All blocks by name, as they came."""
        visible: Any = self.machine.visible
        *names, last = visible.names
        if isinstance(x, Mapping):
            found = dict(x)
        elif len(names) == 1:
            found = {names[0]: x}
        elif isinstance(x, tuple):
            found = dict(zip(names, x, strict=False))
        else:
            columns = self.named.columns(np.asarray(data.with_nan(x)))
            found = {
                name: own.reshape(len(own), *space.event_shape)
                for name, own, space in zip(
                    names, columns, self.named.spaces, strict=True
                )
            }
        return {**found, last: y}

    def checked(self, where: str, x: Any, wide: bool) -> Array:
        """Examples of the other blocks, in one array."""
        if isinstance(x, Mapping) or self.named.are_blocks(x):
            found = self.named.check(where, x, wide)
            return found.reshape(-1, *self.space.event_shape)
        try:
            return self.space.check(where, x, wide)
        except ValueError as error:
            if np.shape(x)[1:] == self.space.event_shape:
                raise
            last = self.machine.visible.blocks()[-1]
            raise ValueError(
                f"{error} Labels are the last block of the visible units, "
                f"here {last.said}."
            ) from None

    # Inside graphs ----------------------------------------------------------

    def states(self, dtype: str) -> tf.Tensor:
        """All states of the label block, (states, label width)."""
        return self.block.states(0, self.block.state_count or 0, dtype)

    def mean(self, examples: tf.Tensor) -> tf.Tensor:
        """<y> given examples of the other blocks, as examples of labels."""
        p = self.probabilities(self.rest(examples))
        mean = tf.matmul(p, self.states(p.dtype))
        return self.block.space.unflatten(mean)

    def fields(self, x: tf.Tensor) -> tf.Tensor:
        """W' v for x and each label, (batch, states, hidden.width).

        Args:
            x: the other blocks' states, (batch, width).
        """
        kernel = tf.convert_to_tensor(self.machine.kernel.value)
        of_x = tf.matmul(x, kernel[: self.width])
        labels = self.states(x.dtype)
        of_labels = tf.matmul(labels, kernel[self.width :])
        return of_x[:, None] + of_labels

    def _log_weights(self, cumulants, states):
        """log p(y | x) but for a constant, (batch, states)."""
        potential = self.block.potential(states)
        return tf.reshape(cumulants, (-1, tf.shape(states)[0])) + potential

    def probabilities(self, x: tf.Tensor) -> tf.Tensor:
        """p(y | x) of all states y, (batch, states).

        Args:
            x: states of the other blocks, (batch, width).
        """
        hidden = self.machine.hidden
        flat = tf.reshape(self.fields(x), (-1, hidden.width))
        cumulants = hidden.log_cumulant(flat)
        return tf.nn.softmax(self._log_weights(cumulants, self.states(x.dtype)))

    def rest(self, examples: tf.Tensor) -> tf.Tensor:
        """States (batch, width) of examples of the other blocks."""
        visible: Any = self.machine.visible
        x = self.space.flatten(examples)
        # The label plays no part in what others are.
        empty = tf.zeros((tf.shape(x)[0], self.block.width), x.dtype)
        return visible.standardise(tf.concat([x, empty], axis=1))[
            :, : self.width
        ]

    def score(self, x: Any) -> Scores:
        """How well labels are predicted, of a batch."""
        return self._score(x)[0]

    def gradients(self, x: Any) -> tuple[Scores, list[tf.Tensor], tf.Tensor]:
        """The scores, joint gradients of the loss, and <h> over the data."""
        machine = self.machine
        scores, v, weight, log_p, present, means, flat = self._score(x)
        count = tf.shape(log_p)[1]
        column = batch.column(weight, log_p)
        q = column * (tf.exp(log_p) - present)
        own = column * present

        def summed(share, values):
            """The sum over labels y, (batch, ...)."""
            split = tf.reshape(values, (-1, count, values.shape[1]))
            return tf.einsum("bs,bsh->bh", share, split)

        excess = [summed(q, s) for s in means]
        by_label = tf.einsum(
            "bs,bsh->sh", q, tf.reshape(means[0], (-1, count, flat.shape[1]))
        )
        states = self.states(v.dtype)
        kernel = tf.concat(
            [
                tf.matmul(v[:, : self.width], excess[0], transpose_a=True),
                tf.matmul(states, by_label, transpose_a=True),
            ],
            axis=0,
        )
        # Of the label block alone; what belongs to x has no part in it.
        of_label = [
            tf.linalg.matvec(s, tf.reduce_sum(q, axis=0), transpose_a=True)
            for s in self.block.statistics(states)
        ]
        visible: Any = machine.visible
        others = [
            tf.zeros(s.shape[1], v.dtype)
            for s in visible.statistics(tf.zeros((1, visible.width), v.dtype))
        ]
        first = tf.concat([tf.zeros(self.width, v.dtype), of_label[0]], axis=0)
        further = len(of_label) - 1
        kept = others[1 : len(others) - further]
        joint = [
            kernel,
            *(first, *kept, *of_label[1:]),
            *(tf.reduce_sum(e, axis=0) for e in excess),
        ]
        mean = tf.reduce_sum(summed(own, means[0]), axis=0)
        return scores, joint, mean

    def _score(self, x):
        machine, hidden = self.machine, self.machine.hidden
        v = machine.rows(batch.examples(x))
        states = self.states(v.dtype)
        fields = self.fields(v[:, : self.width])
        flat = tf.reshape(fields, (-1, hidden.width))
        cumulants, means = hidden.moments(flat)
        log_w = self._log_weights(cumulants, states)
        log_p = tf.nn.log_softmax(log_w)
        label = v[:, self.width :]
        same = label[:, None] == states
        present = ops.cast(tf.reduce_all(same, axis=2), v.dtype)
        weight = batch.shares(x, v.dtype)
        chosen = tf.reduce_sum(present * log_p, axis=1)
        right = chosen >= tf.reduce_max(log_p, axis=1)
        # The potentials of x, without labels.
        alone = tf.concat([v[:, : self.width], tf.zeros_like(label)], axis=1)
        nothing = self.block.potential(tf.zeros_like(label[:1]))
        potential = machine.visible.potential(alone) - nothing
        energy = machine.visible.log_scale() - potential
        energy -= tf.reduce_sum(present * log_w, axis=1)
        scores = Scores(
            -batch.weighed(weight, chosen),
            batch.weighed(weight, ops.cast(right, v.dtype)),
            batch.weighed(weight, energy),
        )
        return scores, v, weight, log_p, present, means, flat


def why_not(visible: Unit) -> str | None:
    """Why there are no labels among the visible units, if so."""
    blocks = visible.blocks()
    if not isinstance(visible, Mixed) or len(blocks) < 2:
        return (
            "needs visible units with labels, a last block beside others, for "
            "example visible=[Bernoulli(784), Categorical(1, 10)]; these are "
            f"{visible.said}."
        )
    count = blocks[-1].state_count
    if count is None or count > MOST_STATES:
        had = "no finite list of" if count is None else f"{count:,} joint"
        return (
            "needs labels that can be summed over, as the last block of the "
            f"visible units; {type(blocks[-1]).__name__} units have {had} "
            f"states, and at most {MOST_STATES:,} are possible."
        )
    return None
