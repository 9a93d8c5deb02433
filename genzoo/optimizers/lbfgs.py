"""L-BFGS, also with an L1 term (then known as OWL-QN)."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from genzoo import checks
from genzoo.optimizers.solver import Evaluation, Solver


@keras.saving.register_keras_serializable("genzoo")
class LBFGS(Solver):
    """Limited-memory BFGS with backtracking.

    For smooth objectives with too many parameters for `Newton`, and for
    those with an L1 term, whose solutions have exact zeros.

    Args:
        memory: number of past steps that the curvature is estimated from.

    Raises:
        ValueError: if `memory` is not a positive int.

    Reference:
        Liu and Nocedal, "On the limited memory BFGS method for large scale
        optimization", Mathematical Programming 45, 1989. Andrew and Gao,
        "Scalable training of L1-regularized log-linear models", ICML 2007.

    Example:
    >>> machine = genzoo.BoltzmannMachine(genzoo.spaces.Binary(4))
    >>> machine.compile(optimizer=genzoo.optimizers.LBFGS(memory=5))
    >>> history = machine.fit(x_train[:, 26:30], verbose=0)
    """

    def __init__(self, memory: int = 10, name: str | None = None):
        memory = checks.positive_int(memory, "LBFGS: memory")
        super().__init__(name=name)
        self.memory = memory

    def build_memory(self, add: Callable[[str, tuple], keras.Variable]) -> None:
        """Past steps and changes of the gradient, the latest last.

        Weights of their own, each: one of all would be copied to move them.
        """
        self.steps, self.changes = (
            [add(f"{name}_{i}", (self.count,)) for i in range(self.memory)]
            for name in ("step", "change")
        )

    def reset(self) -> None:
        """Forget the objective: it has changed."""
        super().reset()
        for past in (*self.steps, *self.changes):
            past.assign(tf.zeros_like(past))

    def remember(
        self, change: tf.Tensor, gradient_change: tf.Tensor, accepted: tf.Tensor
    ) -> None:
        """Take note of a step along which the gradient grew."""
        curvature = tf.reduce_sum(change * gradient_change)
        length = tf.norm(change) * tf.norm(gradient_change)
        useful = accepted & (curvature > 1e-10 * length)
        for memory, new in (
            (self.steps, change),
            (self.changes, gradient_change),
        ):
            # One after the other, so that few are held twice.
            for past, later in zip(memory, [*memory[1:], new], strict=True):
                past.assign(tf.where(useful, later, past))

    def direction(
        self, evaluation: Evaluation, pseudogradient: tf.Tensor, free: tf.Tensor
    ) -> tf.Tensor:
        """-H^-1 g by the two-loop recursion; rows of zeros do nothing."""
        steps, changes = (
            [tf.convert_to_tensor(past.value) for past in memory]
            for memory in (self.steps, self.changes)
        )
        products = tf.stack(
            [
                tf.reduce_sum(step * change)
                for step, change in zip(steps, changes, strict=True)
            ]
        )
        inverse = tf.math.divide_no_nan(tf.ones_like(products), products)
        vector = pseudogradient
        weights = [None] * self.memory
        for i in reversed(range(self.memory)):
            weights[i] = inverse[i] * tf.reduce_sum(steps[i] * vector)
            vector -= weights[i] * changes[i]
        inverse_0 = (evaluation and evaluation.inverse) or tf.identity
        squares = tf.reduce_sum(changes[-1] * inverse_0(changes[-1]))
        scale = tf.math.divide_no_nan(products[-1], squares)
        vector = inverse_0(vector)
        vector *= tf.where(scale > 0, scale, tf.ones_like(scale))
        for i in range(self.memory):
            back = inverse[i] * tf.reduce_sum(changes[i] * vector)
            vector += steps[i] * (weights[i] - back)
        return -vector * free

    def first_step_size(
        self,
        direction: tf.Tensor,
        pseudogradient: tf.Tensor,
        evaluation: Evaluation,
    ) -> tf.Tensor:
        """1, or a short step while nothing is known of the curvature."""
        known = tf.reduce_any(self.steps[-1].value != 0)
        length = tf.reduce_sum(tf.abs(direction))
        one = tf.ones_like(length)
        if evaluation.inverse is not None:
            return one
        short = tf.minimum(one, tf.math.divide_no_nan(one, length))
        return tf.where(known, one, short)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "memory": self.memory}
