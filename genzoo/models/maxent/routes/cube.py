"""Sites of two levels whose features are products: one fast transform."""

import functools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from genzoo.models.maxent.density import Density
from genzoo.models.maxent.routes.route import Moments
from genzoo.models.maxent.routes.summation import Summation
from genzoo.models.maxent.routes.window import Window
from genzoo.spaces import Binary, Spin

# Sites that are summed over in one product of matrices.
_AT_ONCE = 4


class Cube(NamedTuple):
    """Spins or bits with features that are sums of products of sites.

    A set S of sites is a number with one binary digit for each site, and so
    is a state. With `theta_S`, the multiplier of the product of the sites in
    S, both `log w(x) = sum_S theta_S prod_S x` for all x and
    `<prod_S x> = sum_x p(x) prod_S x` for all S are products with a Kronecker
    power of a 2 x 2 matrix, in n 2^n operations (Yates). The covariance of
    two products is then looked up: the product of the sites of S and T is
    that of their symmetric difference for spins, of their union for bits.

    Attributes:
        width: the number of sites.
        levels: of a site, (low, high).
        sets: the set of sites of each product, an int array.
        owners: which feature each is a part of, an int array.
        features: their number.

    Reference:
        Yates, "The design and analysis of factorial experiments", 1937.
    """

    width: int
    levels: tuple
    sets: np.ndarray
    owners: np.ndarray
    features: int

    def moments(self, multipliers: tf.Tensor, shift: tf.Tensor) -> Moments:
        """The `Moments` of the features less a shift."""
        low, high = self.levels
        # Rows: the levels; columns: the site is not in S, or it is.
        base = np.array([[1.0, low], [1.0, high]])
        theta = tf.math.unsorted_segment_sum(
            tf.gather(multipliers, self.owners), self.sets, 2**self.width
        )
        log_w = _transform(theta, base, self.width)
        largest = tf.reduce_max(log_w)
        weights = tf.exp(log_w - largest)
        sums = _transform(weights, base.T, self.width)
        # The empty product is 1.
        averages = sums / sums[0]
        log_z = largest + tf.math.log(sums[0])
        both = _joined(self.levels, self.sets[:, None], self.sets)
        mean = self._of_features(tf.gather(averages, self.sets))
        square = self._of_features(tf.gather(averages, both))
        square = self._of_features(tf.transpose(square))
        value = log_z - tf.reduce_sum(multipliers * shift)
        covariance = square - mean[:, None] * mean
        zero = tf.zeros((), tf.float64)
        return Moments(value, mean - shift, covariance, zero)

    def _of_features(self, products):
        """Sums over the products, axis 0, that a feature consists of."""
        if np.array_equal(self.owners, np.arange(self.features)):
            return products
        return tf.math.unsorted_segment_sum(
            products, self.owners, self.features
        )


def _joined(levels, first, second):
    """The set whose product is that of two others."""
    return first ^ second if levels == (-1, 1) else first | second


def _transform(values, base, width):
    """The product of a vector with a Kronecker power of a 2 x 2 matrix."""
    for first in range(0, width, _AT_ONCE):
        factors = [base] * min(_AT_ONCE, width - first)
        block = functools.reduce(np.kron, factors)
        # The sites that are done go to the end: at last all are in order.
        values = tf.matmul(
            tf.reshape(values, (len(block), -1)),
            tf.constant(block),
            transpose_a=True,
            transpose_b=True,
        )
    return tf.reshape(values, (-1,))


def find_cube(density: Density) -> Cube | None:
    """The `Cube` that a density is, or None.

    Its sites must be spins or bits, and its features a `Quadratic` form of
    them, without a reference.
    """
    space = density.space
    if not isinstance(space, (Spin, Binary)) or not density.is_pairwise:
        return None
    form = density.form
    if form.values is not None:
        return None
    levels = tuple(space.values)
    # The first site's digit changes slowest.
    digit = 1 << np.arange(space.width - 1, -1, -1)
    pairs = _joined(levels, digit[form.pairs[:, 0]], digit[form.pairs[:, 1]])
    return Cube(
        space.width,
        levels,
        np.concatenate([digit[form.sites], pairs]),
        np.concatenate([form.site_features, form.pair_features]),
        len(density.features),
    )


class CubeRoute(Summation):
    """Enumeration whose moments are those of a `Cube`.

    Args:
        density: the `Density`.
        window: as of any sum.
        cube: what the density is.
    """

    sums_covariance = False

    def __init__(self, density: Density, window: Window, cube: Cube):
        super().__init__(density, window)
        self.cube = cube

    def moments(
        self,
        multipliers: tf.Tensor,
        shift: tf.Tensor,
        second: bool = True,
        nodes: int | None = None,
    ) -> Moments:
        """The `Moments`, by two transforms."""
        return self.cube.moments(multipliers, shift)
