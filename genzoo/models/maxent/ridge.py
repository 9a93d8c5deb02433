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
    def _has_levels(self):
        return self.layout.form.values is not None

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
        return one + tf.cast(((d + 1) ** 0.5 - 1) / d, dtype)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Its value at multipliers x, a scalar."""
        return 0.5 * tf.reduce_sum(x * self.gradient(x))

    def gradient(self, x: tf.Tensor) -> tf.Tensor:
        """By the multipliers, (count,)."""
        if not (self.couplings or self.fields):
            return tf.zeros_like(x)
        if not self._has_levels:
            return tf.cast(self.diagonal, x.dtype) * x
        bias, coupling = self.layout.matrices(x)
        held = self.couplings * self._centred(self._centred(coupling))
        share = 1 / tf.cast(self.layout.codes + 1, x.dtype)
        zero_sum = bias + share * tf.reduce_sum(coupling, axis=1)
        own = self.fields * self._centred(zero_sum[:, None])[0]
        if self.fields:
            held += share * (own[:, None] + own)
        return self.layout.features(own, held)

    def _centred(self, matrix):
        """The transpose, its former rows less their share of a site's sum."""
        n, d = self.layout.sites, self.layout.codes
        blocks = tf.reshape(matrix, (n, d, -1))
        total = tf.reduce_sum(blocks, axis=1, keepdims=True)
        blocks -= total / tf.cast(d + 1, total.dtype)
        return tf.transpose(tf.reshape(blocks, (n * d, -1)))
