"""Newton's method, damped."""

import keras
import tensorflow as tf

from genzoo.optimizers.lasso import lasso
from genzoo.optimizers.solver import Evaluation, Solver

# Added to the Hessian, as a share of its diagonal.
_RIDGE = 1e-14
# More cautious steps, with 1, cost more of them; bolder ones are refused.
_BOLD = 1.5
# Of the fall that a parabola foresees, from which on steps grow.
_AS_FORESEEN = 0.75
# Of parameters at zero, the gradient as a share of l1 from which on they may
# be let go; and how many a step may let go at least.
_NEAR = 0.5
_FEW = 100


@keras.saving.register_keras_serializable("genzoo")
class Newton(Solver):
    """Newton's method with backtracking, for convex objectives.

    Each step solves `H d = -g` with the exact Hessian. For a MaxEnt this is
    the covariance of the features, so that the step is the natural gradient.
    With an L1 term it is the step to the least value of the quadratic with
    that term, found exactly: solutions have exact zeros, and features may be
    correlated; the Hessian is formed of the parameters that are not zero, or
    may soon not be. Without the term it needs n^2 memory and n^3 time for n
    parameters; up to 2,000 it is what `compile` takes where the likelihood is
    exact.

    Reference:
        Lee, Sun and Saunders, "Proximal Newton-type methods for minimizing
        composite functions", SIAM Journal on Optimization 24, 2014.

    Example:
    >>> faces = genzoo.spaces.Categorical([1, 2, 3, 4, 5, 6])
    >>> die = genzoo.MaxEnt(faces, genzoo.features.Moments(1))
    >>> die.compile(optimizer=genzoo.optimizers.Newton())
    >>> history = die.fit(observations=[4.5], verbose=0)
    >>> [round(p, 3) for p in die.prob(faces.states()).tolist()]
    [0.054, 0.079, 0.114, 0.165, 0.24, 0.347]
    """

    needs_hessian = True
    keeps_orthant = False

    def direction(
        self, evaluation: Evaluation, pseudogradient: tf.Tensor, free: tf.Tensor
    ) -> tf.Tensor:
        """-H^-1 g among the free parameters."""
        if evaluation.inverse is not None:
            return -free * evaluation.inverse(free * pseudogradient)
        return -solve(evaluation.hessian, pseudogradient, free)

    def step(
        self,
        evaluation: Evaluation,
        x: tf.Tensor,
        slope: tf.Tensor,
        l1: tf.Tensor | None,
        free: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """With an L1 term to the least value of quadratic and term."""
        if l1 is None:
            return super().step(evaluation, x, slope, l1, free)
        places = working_set(evaluation.gradient, x, l1, free)
        parts = [
            tf.cast(tf.gather(part, places), tf.float64)
            for part in (evaluation.gradient, x, l1)
        ]
        hessian = tf.cast(evaluation.among(places), tf.float64)
        change = lasso(hessian, *parts) - parts[1]
        bend = tf.linalg.matvec(hessian, change)
        size = self._damped(tf.reduce_sum(change * bend))
        shape = tf.shape(x, tf.int64)
        change = tf.scatter_nd(places[:, None], change, shape)
        return tf.cast(change, x.dtype), tf.cast(size, x.dtype)

    def first_step_size(
        self,
        direction: tf.Tensor,
        pseudogradient: tf.Tensor,
        evaluation: Evaluation,
    ) -> tf.Tensor:
        """1 near the minimum, less where the Newton step is long.

        With the length d of the step in standard deviations of the energy,
        `d^2 = g H^-1 g`, it is 1.5 / (1 + d): log Z is all but
        self-concordant.
        """
        return self._damped(-tf.reduce_sum(direction * pseudogradient))

    def next_step_size(
        self,
        first: tf.Tensor,
        last: tf.Tensor,
        rise: tf.Tensor,
        expected: tf.Tensor,
        l1: tf.Tensor | None,
    ) -> tf.Tensor:
        """Twice the last multiple where that was as good as a parabola says.

        The energies of many sites add up, and with them d, while each is as
        near to a parabola as before: cautious steps would be as many as the
        root of the number of sites.
        """
        if l1 is not None:
            return first
        share = tf.math.divide_no_nan(rise, expected * (1 - 0.5 * last))
        twice = tf.minimum(2 * last, tf.ones_like(last))
        return tf.where(share > _AS_FORESEEN, tf.maximum(first, twice), first)

    def _damped(self, square):
        length = tf.sqrt(tf.maximum(square, 0.0))
        return tf.minimum(tf.ones_like(length), _BOLD / (1 + length))


def working_set(
    gradient: tf.Tensor, x: tf.Tensor, l1: tf.Tensor, free: tf.Tensor
) -> tf.Tensor:
    """The parameters that a step with an L1 term may change, their positions.

    All that are not zero, or without the term; and of those at zero the ones
    whose gradient is more than half of their l1, which may soon be let go: at
    most twice as many as the others, those with the greatest share first. So
    of thousands of parameters the Hessian is formed only of a few.

    Args:
        gradient: of the smooth part, (n,).
        x: where it is known, (n,).
        l1: weights of the absolute values, (n,).
        free: 1.0 for the parameters that may move, 0.0 for the others.
    """
    is_free = free > 0
    active = is_free & ((x != 0) | (l1 == 0))
    share = tf.math.divide_no_nan(tf.abs(gradient), l1)
    share = tf.where(is_free & ~active, share, tf.zeros_like(share))
    most = tf.maximum(2 * tf.math.count_nonzero(active, dtype=tf.int32), _FEW)
    best = tf.math.top_k(share, tf.minimum(most, tf.size(share)))
    least = tf.maximum(tf.reduce_min(best.values), _NEAR)
    return tf.where(active | (share >= least))[:, 0]


def solve(
    hessian: tf.Tensor, gradient: tf.Tensor, free: tf.Tensor
) -> tf.Tensor:
    """H^-1 g among the free parameters, 0 for the others; float64."""
    free = tf.cast(free, tf.float64)
    diagonal = tf.linalg.diag_part(hessian)
    scale = tf.math.rsqrt(tf.maximum(diagonal, 1e-300)) * free
    # Scaled to a diagonal of ones: features may differ by orders of size.
    scaled = hessian * scale[:, None] * scale
    scaled = tf.linalg.set_diag(scaled, tf.ones_like(diagonal) * (1 + _RIDGE))
    right = tf.cast(gradient, tf.float64) * scale
    # By LU: unlike Cholesky's it does not stop at a matrix that rounding
    # has made indefinite.
    solution = tf.linalg.solve(scaled, right[:, None])[:, 0]
    return solution * scale
