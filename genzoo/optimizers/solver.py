"""What Newton's method and L-BFGS share: a line search, and an L1 term.

One step is one evaluation of the objective, at a trial point. If the trial is
good enough it is accepted, and a new direction is found; if not, the next
trial lies half as far. So there is no loop inside a step, and all replicas of
a `tf.distribute` strategy go the same way. All that is known of the objective
is kept in weights: a search is saved, and resumes bit for bit.

Reference:
    Nocedal and Wright, "Numerical optimization", 2006. The L1 term: Andrew
    and Gao, "Scalable training of L1-regularized log-linear models", ICML
    2007.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

import keras
import numpy as np
import tensorflow as tf

# Relative errors of a sum of many terms.
_ROUNDING = {tf.float64: 1e-14, tf.float32: 1e-6}
# Of large ones that cancel, in float64, if the gradient agrees.
_CANCELLED = 1e-10


class Evaluation(NamedTuple):
    """A smooth objective at one point.

    Attributes:
        value: a scalar.
        gradient: (n,).
        hessian: (n, n); None if the method needs none.
        inverse: function from vectors (n,) to the inverse Hessian's product
            with them, or to what is near it, where it is known otherwise.
        part: function from positions (k,) to the Hessian among these, (k, k),
            where it is better formed in part than whole.

    Example:
    >>> x = keras.Variable([3.0], dtype="float64")
    >>> def objective():
    ...     y = tf.convert_to_tensor(x.value)
    ...     hessian = 12 * y[:, None] ** 2
    ...     return genzoo.optimizers.Evaluation(y[0] ** 4, 4 * y**3, hessian)
    >>> newton = genzoo.optimizers.Newton()
    >>> newton.build([x])
    >>> for _ in range(40):
    ...     value, slope = newton.advance(x, objective)
    >>> round(float(value), 6)
    0.0
    """

    value: tf.Tensor
    gradient: tf.Tensor
    hessian: tf.Tensor | None = None
    inverse: Callable[[tf.Tensor], tf.Tensor] | None = None
    part: Callable[[tf.Tensor], tf.Tensor] | None = None

    def among(self, places: tf.Tensor) -> tf.Tensor:
        """The Hessian among the parameters at these positions."""
        if self.part is not None:
            return self.part(places)
        return tf.gather(tf.gather(self.hessian, places), places, axis=1)


class Solver(keras.optimizers.Optimizer):
    """A deterministic method for one vector of parameters.

    For objectives that are the same at each step: an exact likelihood, or the
    pseudolikelihood of all examples in one batch. A subclass gives
    `direction`.

    Args:
        name: of the optimizer.

    Example:
    >>> class Steepest(genzoo.optimizers.Solver):
    ...     def direction(self, evaluation, pseudogradient, free):
    ...         return -pseudogradient * free
    >>> faces = genzoo.spaces.Categorical([0, 1])
    >>> coin = genzoo.MaxEnt(faces, genzoo.features.Moments(1))
    >>> coin.compile(optimizer=Steepest())
    >>> history = coin.fit(observations=[0.8], verbose=0)
    >>> round(float(coin.prob([1])[0]), 2)
    0.8
    """

    needs_hessian = False
    # Whether a step with an L1 term must not change signs.
    keeps_orthant = True

    def __init__(self, name: str | None = None):
        super().__init__(learning_rate=1.0, name=name)

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Make the weights of the search for a list of one variable."""
        if self.built:
            return
        if len(variables) != 1:
            raise ValueError(
                f"{type(self).__name__} solves for one vector of parameters, "
                f"such as the multipliers of a MaxEnt; received "
                f"{len(variables)} variables. Use a Keras optimizer."
            )
        super().build(variables)
        (variable,) = variables
        self.count = variable.shape[0]
        self.dtype = variable.dtype

        def add(name, shape):
            return self.add_variable(
                shape,
                "zeros",
                dtype=self.dtype,
                aggregation="only_first_replica",
                name=name,
            )

        self.gradient = add("gradient", (self.count,))
        self.step_direction = add("direction", (self.count,))
        self.step_size = add("step_size", ())
        self.value = add("value", ())
        # 1 where the last trial was accepted, and a value is known.
        self.accepted = add("accepted", ())
        self.started = add("started", ())
        self.build_memory(add)

    def build_memory(self, add: Callable[[str, tuple], keras.Variable]) -> None:
        """Make what the method remembers; `add(name, shape)` makes it."""

    def direction(
        self, evaluation: Evaluation, pseudogradient: tf.Tensor, free: tf.Tensor
    ) -> tf.Tensor:
        """Where to go from an accepted point, (n,).

        Args:
            evaluation: the `Evaluation` there.
            pseudogradient: its gradient with that of the L1 term.
            free: 1.0 for the parameters that may move, 0.0 for the others.
        """
        raise NotImplementedError

    def first_step_size(
        self,
        direction: tf.Tensor,
        pseudogradient: tf.Tensor,
        evaluation: Evaluation,
    ) -> tf.Tensor:
        """The first trial along a direction, as a multiple of it."""
        return tf.ones((), self.dtype)

    def next_step_size(
        self,
        first: tf.Tensor,
        last: tf.Tensor,
        rise: tf.Tensor,
        expected: tf.Tensor,
        l1: tf.Tensor | None,
    ) -> tf.Tensor:
        """The first trial where the last step is known, too.

        Args:
            first: by `first_step_size`.
            last: the multiple that was accepted.
            rise: by how much the objective rose, below zero.
            expected: what it would have been by its slope alone.
            l1: weights of the L1 term, None where there is none.
        """
        return first

    def step(
        self,
        evaluation: Evaluation,
        x: tf.Tensor,
        slope: tf.Tensor,
        l1: tf.Tensor | None,
        free: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """(direction, its first multiple) from an accepted point.

        Args:
            evaluation: the `Evaluation` there.
            x: the point.
            slope: its `pseudogradient`, zero where not free.
            l1: weights of the L1 term, None where there is none.
            free: 1.0 for the parameters that may move, 0.0 for the others.
        """
        may_move = free
        if l1 is not None:
            moves = (x != 0) | (l1 == 0) | (slope != 0)
            may_move = free * tf.cast(moves, self.dtype)
        direction = self.direction(evaluation, slope, may_move)
        # A direction that leads uphill is given up for the steepest one.
        downhill = tf.reduce_sum(direction * slope) < 0
        downhill &= tf.reduce_all(tf.math.is_finite(direction))
        direction = tf.where(downhill, direction, -slope)
        if l1 is not None:
            # Along it none may grow against its own L1 gradient.
            against = (l1 > 0) & (direction * slope >= 0)
            direction = tf.where(against, tf.zeros_like(slope), direction)
        return direction, self.first_step_size(direction, slope, evaluation)

    def reset(self) -> None:
        """Forget the objective: it has changed."""
        # Without Keras's checks, which take longer than a small step.
        for known in (self.accepted, self.started, self.step_size):
            known.value.assign(0.0, read_value=False)
        nowhere = np.zeros(self.count)
        self.step_direction.value.assign(nowhere, read_value=False)

    def advance(
        self,
        variable: keras.Variable,
        evaluate: Callable[[], Evaluation],
        l1: tf.Tensor | None = None,
        mask: tf.Tensor | None = None,
        is_whole: bool = True,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """One step: evaluate at the trial point, accept it or go back.

        Args:
            variable: the parameters, moved to the best point known.
            evaluate: function without arguments that gives the `Evaluation`
                at the variable's present value.
            l1: weights of an additional term `sum_i l1_i |x_i|`, or None.
            mask: 1.0 for parameters to be solved for, 0.0 for those held.
            is_whole: whether the objective is what it is for, and not the
                part of it in a window, beyond which steps should not lead.

        Returns:
            (value, stationarity): of the last point accepted, the objective
            with its L1 term, and the largest component of its gradient, also
            by parameters that are held.
        """
        old = tf.convert_to_tensor(variable.value)
        free = tf.ones_like(old) if mask is None else mask
        l1 = None if l1 is None else tf.cast(l1, self.dtype)
        gradient = tf.convert_to_tensor(self.gradient.value)
        direction = tf.convert_to_tensor(self.step_direction.value)
        size = tf.convert_to_tensor(self.step_size.value)
        before = pseudogradient(old, gradient, l1) * free
        trial = old + size * direction
        if self.keeps_orthant and l1 is not None:
            # With an L1 term a step stays in the orthant in which it began.
            orthant = tf.where(old != 0, tf.sign(old), -tf.sign(before))
            keep = tf.logical_or(l1 == 0, trial * orthant > 0)
            trial = tf.where(keep, trial, 0.0)
        variable.assign(trial)
        found = evaluate()
        smooth, new_gradient = found.value, found.gradient
        value = tf.cast(smooth, self.dtype)
        if l1 is not None:
            value += tf.reduce_sum(l1 * tf.abs(trial))
        new_gradient = tf.cast(new_gradient, self.dtype)

        known = tf.convert_to_tensor(self.value.value)
        started = self.started.value > 0
        # Below the rounding of the objective only the gradient can tell.
        rounding = _ROUNDING[smooth.dtype] * (1 + tf.abs(known))
        expected = tf.reduce_sum(gradient * free * (trial - old))
        if l1 is not None:
            expected += tf.reduce_sum(l1 * (tf.abs(trial) - tf.abs(old)))
        enough = known + 1e-4 * expected + rounding
        good = tf.math.is_finite(value) & tf.reduce_all(
            tf.math.is_finite(new_gradient)
        )
        every = pseudogradient(trial, new_gradient, l1)
        after = every * free
        # More is rounding where large parameters cancel.
        slack = _CANCELLED * (1 + tf.abs(known))
        is_level = (smooth.dtype == tf.float64) & (value <= known + slack)
        steepest = tf.reduce_max(tf.abs(after))
        is_level &= steepest < 0.5 * tf.reduce_max(tf.abs(before))
        good &= ~started | (value <= enough) | is_level

        # What follows if the trial is accepted.
        change = tf.where(started, trial - old, 0.0)
        self.remember(change, new_gradient - gradient, good & started)
        new_direction, new_size = tf.cond(
            good,
            lambda: self.step(
                found._replace(value=value, gradient=new_gradient),
                trial,
                after,
                l1,
                free,
            ),
            lambda: (direction, size * _shorter(value - known, expected)),
        )

        if is_whole:
            grown = self.next_step_size(
                new_size, size, value - known, expected, l1
            )
            new_size = tf.where(good & started, grown, new_size)

        variable.assign(tf.where(good, trial, old))
        self.gradient.assign(tf.where(good, new_gradient, gradient))
        self.value.assign(tf.where(good, value, known))
        self.step_direction.assign(new_direction)
        self.step_size.assign(new_size)
        self.accepted.assign(tf.cast(good, self.dtype))
        self.started.assign(tf.cast(started | good, self.dtype))
        self.iterations.assign_add(1)
        best = tf.where(good, every, pseudogradient(old, gradient, l1))
        return (
            tf.where(good, value, known),
            tf.reduce_max(tf.abs(best)),
        )

    def remember(
        self, change: tf.Tensor, gradient_change: tf.Tensor, accepted: tf.Tensor
    ) -> None:
        """Take note of a step, if it was accepted."""

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
            f"{type(self).__name__} needs the objective's values, not only "
            "gradients: compile a genzoo model with it."
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name}


def _shorter(rise, expected):
    """By how much a step that failed is shortened, between 0.1 and 0.5.

    To the least point of the parabola with the slope at the start, `expected`
    for the whole step, and the value at its end, a `rise` above the start.
    """
    share = tf.math.divide_no_nan(-0.5 * expected, rise - expected)
    finite = tf.math.is_finite(share)
    return tf.clip_by_value(
        tf.where(finite, share, 0.1 * tf.ones_like(share)), 0.1, 0.5
    )


def pseudogradient(
    x: tf.Tensor, gradient: tf.Tensor, l1: tf.Tensor | None
) -> tf.Tensor:
    """The gradient with the L1 term's, of least size where x = 0."""
    if l1 is None:
        return gradient
    at_zero = tf.sign(gradient) * tf.nn.relu(tf.abs(gradient) - l1)
    return tf.where(x != 0, gradient + l1 * tf.sign(x), at_zero)
