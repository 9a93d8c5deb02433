"""Squares of fields and couplings that hold them down."""

import tensorflow as tf

from genzoo.models.maxent.layout import Layout


class Ridge:
    """`couplings / 2 sum J^2 + fields / 2 sum h^2`, added to a loss.

    Of categorical sites the squares are taken in the zero-sum gauge, in which
    fields and couplings add up to zero over the values of a site: those of
    the last value are not written, but they count as all others do, and the
    order of the values does not matter.

    Args:
        layout: where fields and couplings are.
        couplings: the weight of theirs.
        fields: the weight of theirs.
    """

    def __init__(self, layout: Layout, couplings: float, fields: float):
        self.layout = layout
        self.couplings = couplings
        self.fields = fields

    @property
    def diagonal(self) -> tf.Tensor:
        """The curvature of each multiplier, near enough, (count,)."""
        weights = [
            tf.constant(weight, tf.float64)
            for weight in (self.couplings, self.fields)
        ]
        return tf.where(self.layout.is_coupling, *weights)

    @staticmethod
    def inverse_root(layout: Layout, dtype: tf.DType) -> tf.Tensor:
        """P^(-1/2), (d, d): `h' P h` is the sum of a site's squares.

        P is 1 without values, else `1 - 1 / (d + 1)` with the second for a
        matrix of ones.
        """
        d = layout.codes
        one = tf.eye(d, dtype=dtype)
        if layout.form.values is None:
            return one
        return one + tf.constant(((d + 1) ** 0.5 - 1) / d, dtype)

    def __call__(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Its value at multipliers x, a scalar, and its gradient, (count,)."""
        gradient = self.gradient(x)
        return 0.5 * tf.reduce_sum(x * gradient), gradient

    def gradient(self, x: tf.Tensor) -> tf.Tensor:
        """By the multipliers, (count,)."""
        if self.layout.form.values is None or self.layout.form.complete:
            return tf.cast(self.diagonal, x.dtype) * x
        share = tf.constant(1 / (self.layout.codes + 1), x.dtype)
        blocks = self.layout.blocks(x)
        for axis in (1, 2):
            total = tf.reduce_sum(blocks, axis=axis, keepdims=True)
            blocks -= share * total
        held = self.layout.of_blocks(self.couplings * blocks)
        if not self.fields:
            return held
        bias, coupling = self.layout.matrices(x)
        zero_sum = bias + share * tf.reduce_sum(coupling, axis=1)
        own = tf.reshape(zero_sum, (-1, self.layout.codes))
        own -= share * tf.reduce_sum(own, axis=1, keepdims=True)
        own = self.fields * tf.reshape(own, (-1,))
        return held + self.layout.features(own, share * (own[:, None] + own))
