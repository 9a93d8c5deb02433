"""The natural gradient, from noisy averages."""

from collections.abc import Sequence
from typing import Any, NoReturn

import keras
import tensorflow as tf

from genzoo import checks
from genzoo.optimizers.newton import solve
from genzoo.optimizers.solver import pseudogradient

# The share of the latest step in the running mean of the Fisher matrix.
_MEMORY = 0.02
# Of the middle variance: one that is none, and what then is taken for it.
_NEVER, _RARE = 1e-9, 0.25


@keras.saving.register_keras_serializable("genzoo")
class NaturalGradient(keras.optimizers.Optimizer):
    """Newton's method for averages over Markov chains.

    The step is `x <- x - rate F^-1 g`, with a running mean F of the Fisher
    matrix, the covariance of the features over the chains. The rate falls as
    `1 / (1 + t / decay_steps)`, which makes the noise of g vanish (Robbins
    and Monro).

    Args:
        learning_rate: the rate at the start; a number or a schedule, which
            then is taken as it is.
        decay_steps: after so many steps the rate is one half.
        max_change: the longest step, in standard deviations of the energy
            that it adds: `sqrt(step F step)`.

    Reference:
        Amari, "Natural gradient works efficiently in learning", Neural
        Computation 10, 1998.

    Example:
    >>> spins = genzoo.MaxEnt(
    ...     genzoo.spaces.Spin(30), genzoo.features.Moments(1, tied=True)
    ... )
    >>> spins.compile(optimizer=genzoo.optimizers.NaturalGradient(), loss="pcd")
    >>> history = spins.fit(observations=[6.0], epochs=1, verbose=0)
    """

    needs_hessian = True

    def __init__(
        self,
        learning_rate: Any = 0.5,
        decay_steps: float = 50,
        max_change: float = 1.0,
        name: str | None = None,
    ):
        super().__init__(learning_rate=learning_rate, name=name)
        self.decay_steps, self.max_change = (
            checks.positive_number(value, f"NaturalGradient: {key}")
            for key, value in (
                ("decay_steps", decay_steps),
                ("max_change", max_change),
            )
        )

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Make the Fisher matrix for a list of one variable."""
        if self.built:
            return
        super().build(variables)
        count = variables[0].shape[0]
        self.fisher = self.add_variable(
            (count, count),
            "zeros",
            dtype="float64",
            aggregation="only_first_replica",
            name="fisher",
        )

    def advance_noisy(
        self,
        variable: keras.Variable,
        gradient: tf.Tensor,
        fisher: tf.Tensor,
        chains: tf.Tensor | int,
        l1: tf.Tensor,
        mask: tf.Tensor,
    ) -> None:
        """One step from estimates of the gradient and the Fisher matrix.

        Args:
            variable: the parameters.
            gradient: of the objective, (n,).
            fisher: covariance of the features over the chains, (n, n).
            chains: the number of chains.
            l1: weights of a term `sum_i l1_i |x_i|`, (n,).
            mask: 1.0 for parameters to be moved, 0.0 for those held.
        """
        step = tf.cast(self.iterations.value, tf.float64)
        share = tf.maximum(1 / (1 + step), _MEMORY)
        old = tf.convert_to_tensor(self.fisher.value)
        mean = old + share * (fisher - old)
        self.fisher.assign(mean)
        # Fewer draws than parameters say nothing of most directions: the
        # fewer there are, the more the diagonal alone counts.
        seen = chains / share
        count = mean.shape[0]
        diagonal = tf.linalg.diag_part(mean)
        floor = 1e-4 * tf.reduce_mean(diagonal) + 1e-12
        # What never changes in so few draws may do so in others: without
        # that one pair of rare events would take a step of hundreds.
        middle = tf.sort(diagonal)[count // 2]
        rare = diagonal <= _NEVER * middle
        diagonal = tf.where(rare, _RARE * middle, 1.001 * diagonal)
        diagonal = tf.maximum(diagonal, floor)
        mean = tf.linalg.set_diag(mean * (seen / (seen + count)), diagonal)
        x = tf.convert_to_tensor(variable.value)
        gradient = pseudogradient(x, gradient, l1)
        change = solve(mean, gradient, mask)
        length = tf.sqrt(tf.reduce_sum(change * tf.linalg.matvec(mean, change)))
        limit = tf.math.divide_no_nan(
            tf.constant(self.max_change, tf.float64), length
        )
        rate = tf.cast(self.learning_rate, tf.float64)
        if not callable(self._learning_rate):
            rate /= 1 + step / self.decay_steps
        new = x - tf.minimum(rate, limit) * change
        # With an L1 term a step stays in the orthant in which it began.
        orthant = tf.where(x != 0, tf.sign(x), -tf.sign(gradient))
        keep = tf.logical_or(l1 == 0, new * orthant > 0)
        variable.assign(tf.where(keep, new, tf.zeros_like(new)))
        self.iterations.assign_add(1)

    def update_step(
        self,
        gradient: tf.Tensor,
        variable: keras.Variable,
        learning_rate: tf.Tensor,
    ) -> NoReturn:
        """A gradient alone is not enough.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            "NaturalGradient needs the covariance of the features: compile a "
            "MaxEnt with it."
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "name": self.name,
            "learning_rate": self._serialized_rate(),
            "decay_steps": self.decay_steps,
            "max_change": self.max_change,
        }

    def _serialized_rate(self):
        rate = self._learning_rate
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            return keras.optimizers.schedules.serialize(rate)
        return float(rate.numpy())
