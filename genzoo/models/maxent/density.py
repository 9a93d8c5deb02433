"""The density of maximum entropy, as a function of its multipliers."""

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from genzoo import samplers
from genzoo.features import FeatureList
from genzoo.features.feature import Quadratic
from genzoo.models.maxent.layout import Layout
from genzoo.runtime import batch
from genzoo.spaces import Space

# Of more features none are held for each state, where there is another way.
_MOST_HELD = 2**8
# Numbers of phi from which on its products are in float32.
_WIDE = 1000


class Density:
    """p(x) = r(x) exp(sum_i lambda_i f_i(x)) / Z on a space.

    Args:
        owner: the name of the model's class, for messages.
        space: where x lies.
        features: the functions f.
        reference: function from examples to log r, or None for r = 1.
    """

    def __init__(
        self,
        owner: str,
        space: Space,
        features: FeatureList,
        reference: Callable | None = None,
    ):
        self.owner = owner
        self.space = space
        self.features = features
        self.reference = reference

    @property
    def nodes(self) -> int:
        """Nodes of a continuous site in sums."""
        return self.features.nodes or self.space.default_nodes

    def log_reference(self, states: tf.Tensor) -> tf.Tensor:
        """log r of states (batch, width), (batch,)."""
        if self.reference is None:
            return tf.zeros(tf.shape(states)[:1], states.dtype)
        x = self.space.unflatten(states)
        value = tf.convert_to_tensor(self.reference(x))
        if len(value.shape) == 2 and value.shape[1] == 1:
            value = value[:, 0]
        if len(value.shape) != 1:
            raise ValueError(
                f"{self.owner}: reference must give a log-density of shape "
                f"(batch,); it gave {tuple(value.shape)}."
            )
        return tf.cast(value, states.dtype)

    def log_weight(
        self, states: tf.Tensor, multipliers: tf.Tensor
    ) -> tf.Tensor:
        """log p(x) Z = lambda . f(x) + log r(x), (batch,), in their dtype."""
        multipliers = tf.cast(multipliers, states.dtype)
        if self.is_pairwise and len(self.features) > _MOST_HELD:
            return -self.pairwise(multipliers, states.dtype).energy(states)
        value = tf.linalg.matvec(self.features(states), multipliers)
        return value + self.log_reference(states)

    def feature_sums(
        self, states: tf.Tensor, weight: tf.Tensor | None = None
    ) -> tf.Tensor:
        """sum f(x) over states (batch, width), (features,), in their dtype.

        Of a pairwise form by one product of matrices, so that the features
        of each state, of which there may be many, are never held.

        Args:
            states: (batch, width).
            weight: what each counts, a number or (batch,); None for one.
        """
        own = tf.ones((), states.dtype) if weight is None else weight
        if self.quadratic is None:
            return batch.weighed(own, self.features(states))
        phi = self.code(states)
        weighed = phi * batch.column(own, phi)
        product = tf.matmul(phi, weighed, transpose_a=True)
        single = tf.reduce_sum(weighed, axis=0)
        return self.layout.features(single, product)

    # Pairwise energies -----------------------------------------------------

    @functools.cached_property
    def quadratic(self) -> Quadratic | None:
        """The `features.Quadratic` form that all features are, or None."""
        # Indicators leave out the last value: another order is another form.
        levels = {tuple(v) for v in self.space.levels if v is not None}
        form = self.features.quadratic()
        if form is None or len(levels) != 1:
            return None
        return form if form.values in (None, *levels) else None

    @property
    def is_pairwise(self) -> bool:
        """Whether the energy is that of fields and couplings."""
        return self.quadratic is not None and self.reference is None

    @property
    def form(self) -> Quadratic:
        """The `Quadratic` form of a density that is known to have one."""
        if self.quadratic is None:
            raise ValueError(f"{self.owner}: the energy is not pairwise.")
        return self.quadratic

    @functools.cached_property
    def layout(self) -> Layout:
        """Where multipliers stand among fields and couplings."""
        return Layout(self.form, self.space.width, len(self.features))

    @property
    def is_wide(self) -> bool:
        """Whether sums over phi are for products of large matrices.

        These are in float32, sums of them in float64: what they round is far
        below what other examples would change.
        """
        return self.quadratic is not None and self.layout.size >= _WIDE

    @functools.cached_property
    def colours(self) -> list[np.ndarray]:
        """Sites that do not interact, colour by colour."""
        joined = np.zeros((self.space.width,) * 2, bool)
        first, second = self.form.site_pairs().T
        joined[first, second] = joined[second, first] = True
        return samplers.colour(joined)

    @property
    def encoding(self) -> np.ndarray:
        """phi of each level of a site of a pairwise form, (q, d)."""
        levels = np.asarray(self.space.levels[0])
        if self.form.values is None:
            return levels[:, None]
        return np.eye(len(levels))[:, : self.form.codes]

    def code(self, states: tf.Tensor) -> tf.Tensor:
        """phi of states, (batch, sites * d), in their dtype."""
        bias = tf.zeros(self.layout.size, states.dtype)
        levels = np.asarray(self.space.levels[0])
        energy = samplers.PairwiseEnergy(levels, self.encoding, bias, bias)
        return energy.encode(states)

    def pairwise(
        self, multipliers: tf.Tensor, dtype: str = "float32"
    ) -> samplers.PairwiseEnergy:
        """The energy as that of fields and couplings."""
        bias, coupling = self.layout.matrices(tf.cast(multipliers, dtype))
        levels = np.asarray(self.space.levels[0])
        return samplers.PairwiseEnergy(levels, self.encoding, bias, coupling)
