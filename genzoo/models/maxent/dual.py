"""The convex dual, whose least value has the averages asked for."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo.models.maxent.density import Density
from genzoo.models.maxent.dependence import root_of_inverse
from genzoo.models.maxent.feasibility import Possible, Reach
from genzoo.models.maxent.observations import Averages, Observations
from genzoo.models.maxent.routes.product import ProductRoute
from genzoo.models.maxent.routes.route import ExactRoute, Moments
from genzoo.models.maxent.routes.summation import Summation
from genzoo.models.maxent.routes.window import Window
from genzoo.optimizers import Evaluation
from genzoo.runtime import weights
from genzoo.types import Array

# Up to so many features their variances are asked for beside a search.
_FEW = 2000
# Of an average, the share from which on a deviation is told from rounding.
_TOLD = 1e-7
# Minus the logarithm of the share of a site's span that is told from none.
_NARROWEST = 50.0


def objective(
    moments: Moments, multipliers: tf.Tensor, shift: tf.Tensor, l2: tf.Tensor
) -> tuple[Evaluation, dict[str, tf.Tensor]]:
    """`log Z - lambda . observed + sum_i l2_i lambda_i^2 / 2`.

    The first part is the cross-entropy -<log p> of the observations.

    Args:
        moments: at these multipliers, shifted by the observations.
        multipliers: lambda.
        shift: the observations.
        l2: of a tolerance.

    Returns:
        (evaluation, facts): value, gradient and Hessian; what `History`
        shows.
    """
    value, residual, covariance, log_r = moments
    entropy = value - tf.reduce_sum(multipliers * residual) - log_r
    facts = {
        "entropy": entropy,
        "log_partition": value + tf.reduce_sum(multipliers * shift),
    }
    if covariance is not None:
        covariance += tf.linalg.diag(l2)
    value += 0.5 * tf.reduce_sum(l2 * multipliers * multipliers)
    return Evaluation(value, residual + l2 * multipliers, covariance), facts


class Dual:
    """The dual of a density, its observations and its multipliers.

    Args:
        density: the `Density`.
        route: the exact route, or None where only chains are.
        window: where unbounded sites are integrated.
        observations: the averages.
        multipliers: the variable of lambda.
    """

    def __init__(
        self,
        density: Density,
        route: ExactRoute | None,
        window: Window,
        observations: Observations,
        multipliers: keras.Variable,
    ):
        self.density = density
        self.route = route
        self.window = window
        self.observations = observations
        self.multipliers = multipliers
        self.reach = Reach(density, route)
        # Whether features are nearly dependent, and whether there is an L1
        # term: known as a graph is traced.
        self.is_near_singular = self.is_sparse = False

    @property
    def exact(self) -> ExactRoute:
        """The exact route, which there must be."""
        if self.route is None:
            raise ValueError(
                f"{self.density.owner}: the space is too large to sum over."
            )
        return self.route

    def evaluation(
        self, second: bool = True
    ) -> tuple[Evaluation, dict[str, tf.Tensor]]:
        """`objective` at the present multipliers, inside a graph."""
        x = tf.convert_to_tensor(self.multipliers.value)
        shift = tf.convert_to_tensor(self.observations.values.value)
        route = self.exact
        in_part = second and self.is_sparse and route.sums_covariance
        moments = route.moments(x, shift, second and not in_part)
        found, facts = objective(moments, x, shift, self.observations.l2())
        if in_part:
            assert isinstance(route, Summation)

            def part(places):
                # Most multipliers stay zero: of few features it is needed.
                return route.covariance(
                    x,
                    moments.mean + shift,
                    lambda values: tf.gather(values, places, axis=1),
                )

            return found._replace(part=part), facts
        if second and self.is_near_singular:
            root = self._root(x, moments, shift)

            def inverse(vector):
                inner = tf.linalg.matvec(root, vector, transpose_a=True)
                return tf.linalg.matvec(root, inner)

            found = found._replace(inverse=inverse)
        return found, facts

    def _root(self, x, moments, shift):
        kept, route = self.observations, self.exact
        assert isinstance(route, (Summation, ProductRoute))
        centre = moments.mean + shift
        covariance = moments.covariance
        return root_of_inverse(
            route, x, centre, covariance, kept.l2(), kept.free()
        )

    def look_at(self, averages: Averages) -> bool:
        """See what kind of steps it needs; whether that has changed."""
        before = self.is_near_singular, self.is_sparse
        found = self.reach.dependence(averages, self._limits())
        self.is_near_singular = found is not None and bool(found.nearly.any())
        self.is_sparse = averages.tolerance == "laplace"
        return (self.is_near_singular, self.is_sparse) != before

    def _values_at(self, *points):
        """The dual with all terms of a tolerance, at some multipliers."""
        kept = self.observations
        shift, tolerance = weights.get(kept.values), kept.tolerance
        errors = weights.get(kept.stderr)
        errors = np.where(np.isfinite(errors), errors, 0.0)
        terms = {
            "none": lambda x: 0.0,
            "gaussian": lambda x: 0.5 * np.square(errors * x).sum(),
            "laplace": lambda x: np.abs(errors * x).sum(),
        }
        found = []
        for x in points:
            moments: Any = self.exact.moments_now(x, shift, False)
            found.append(float(moments.log_z) + terms[tolerance](x))
        return found

    def start_over_if_better(self) -> None:
        """Go to multipliers of zero if the dual is less there."""
        kept, start = weights.get(self.multipliers), self._limits()
        if self.route is not None and (kept != start).any():
            here, there = self._values_at(kept, start)
            if not here < there:
                self.multipliers.assign(start)

    def refit(self) -> bool:
        """Let the window follow the density; whether it has moved."""
        x = tf.convert_to_tensor(self.multipliers.value)
        return self.window.move(self.density, x)

    def widen(self) -> None:
        """Look in a wider window, from multipliers of zero."""
        self.window.widen()
        self.multipliers.assign(tf.zeros_like(self.multipliers.value))

    def inverse(self) -> Array | None:
        """Of the covariance of nearly dependent features; None of others."""
        found = self.reach.dependence(self._averages(), self._limits())
        if found is None or not found.nearly.any():
            return None
        x = tf.convert_to_tensor(self.multipliers.value)
        shift = tf.convert_to_tensor(self.observations.values.value)
        root = self._root(x, self.exact.moments(x, shift), shift).numpy()
        return root @ root.T

    def _limits(self):
        """The multipliers that stand for infinite ones; zeros elsewhere."""
        limited = self.observations.limited
        return np.where(limited, weights.get(self.multipliers), 0.0)

    def _averages(self):
        kept = self.observations
        values, errors = weights.get(kept.values), weights.get(kept.stderr)
        return Averages(values, errors, kept.tolerance, kept.count)

    def explain(self) -> bool:
        """Why there are no multipliers; whether there are with fewer states.

        Averages on a side of what is possible are a limit, to which the
        search has come near: it then begins anew.

        Raises:
            ValueError: if the averages are impossible, saying why.
        """
        averages = self._averages()
        if averages.tolerance != "none":
            return False
        redundant = self.observations.is_redundant.numpy() != 0
        redundant &= ~self.observations.limited
        found = self.reach.at_a_side(
            f"{self.density.owner}.fit",
            Possible(averages, redundant, self._limits()),
        )
        if found is None:
            return False
        self.observations.keep(averages, found.redundant, found.limits != 0)
        self.multipliers.assign(found.limits)
        return True

    def is_impossible(self, value: float) -> bool:
        """Whether a value of the dual shows that no density has the averages.

        log Z - lambda . f is at least the greatest of lambda . (f(x) - f):
        below zero, for weights of one, lambda separates f from all f(x); with
        the L1 term of a tolerance, all that lies within it. Of a density it
        is at least the greatest entropy, and less than that of the narrowest
        that float64 can tell only if there is none.
        """
        space, tolerance = self.density.space, self.observations.tolerance
        if self.density.reference is not None or tolerance == "gaussian":
            return False
        if not len(space.continuous_sites):
            return value < -1e-9
        sites = space.real_sites
        span = (space.high - space.low)[sites]
        if tolerance == "none" or not np.isfinite(span).all():
            return False
        return value < np.sum(np.log(span) - _NARROWEST) - 1e-9

    def integration_error(self) -> float:
        """Of log Z by quadrature, in nats; 0 for sums of states."""
        if not len(self.density.space.real_sites):
            return 0.0
        x = tf.convert_to_tensor(self.multipliers.value)
        shift = tf.convert_to_tensor(self.observations.values.value)
        return self.exact.log_partition(x, shift).stderr

    def spread(self) -> Array | None:
        """Standard deviations of the features, (n,), at these multipliers.

        With a Gaussian tolerance the errors of the averages are added to them
        in squares. 0 where rounding hides one; None of too many features.
        """
        observed = weights.get(self.observations.values)
        if len(observed) > _FEW:
            return None
        x = weights.get(self.multipliers)
        l2 = np.asarray(self.observations.l2())
        square = self._variances(x, observed) + l2
        told = square > (_TOLD * observed) ** 2
        return np.sqrt(np.where(told, square, 0.0))

    def _variances(self, x, shift):
        route = self.exact
        if route.table is not None or not route.sums_covariance:
            found = route.moments_now(x, shift, True)
            return np.diag(np.asarray(found.covariance))
        # A square of each: the covariance takes as many as there are features.
        centre = shift + np.asarray(route.moments_now(x, shift, False).mean)

        def squares(states):
            return tf.square(self.density.features(states) - centre)

        return route.expectation(tf.constant(x), squares).numpy()

    def covariance(self, some: Array) -> Array:
        """Of some features, (n,) bool; in a matrix of all, (n, n)."""
        x, route = weights.get(self.multipliers), self.exact
        shift = weights.get(self.observations.values)
        if some.all() or route.table is not None or not route.sums_covariance:
            found = route.solved(tf.constant(x), tf.constant(shift), True)
            return np.asarray(found.covariance)
        assert isinstance(route, Summation)
        places = np.flatnonzero(some)
        centre = shift + np.asarray(route.moments_now(x, shift, False).mean)
        square = np.zeros((len(x),) * 2)
        square[np.ix_(some, some)] = route.covariance(
            tf.constant(x),
            tf.constant(centre),
            lambda values: tf.gather(values, places, axis=1),
        )
        return square

    def least(self) -> float:
        """The smallest of the averages that are not zero."""
        size = np.abs(weights.get(self.observations.values))
        return float(size.min(where=size > 0, initial=np.inf))

    def size(self) -> float:
        """The largest of the averages, whose rounding the residual has."""
        return float(np.abs(weights.get(self.observations.values)).max())
