"""Losses that are means over the data of what an energy gives."""

from typing import Any

import tensorflow as tf

from genzoo.losses.loss import LearningRule
from genzoo.losses.protocols import Differentiable, Gradients, rules_of
from genzoo.runtime import batch
from genzoo.runtime.random import Seed


class DifferentiableRule(LearningRule):
    """A mean over the data, of which automatic derivatives are taken.

    A subclass gives `each`; of an `EnergyModel` any function of its energies
    can be made small.

    Example:
    >>> class Flow(genzoo.losses.DifferentiableRule):
    ...     def each(self, rules, states, seed):
    ...         turned = rules.energies(1 - states)
    ...         return tf.exp((rules.energies(states) - turned) / 2)
    >>> model = genzoo.EnergyModel(genzoo.spaces.Binary(4))
    >>> model.compile(loss=Flow())
    >>> history = model.fit(x_train[:, 26:30], verbose=0)
    """

    needs = Differentiable
    # Whether it depends on the constant of the energy.
    has_level = False

    def each(self, rules: Any, states: tf.Tensor, seed: Seed) -> tf.Tensor:
        """The objective of each row, (rows,).

        Args:
            rules: what the model gives, a `losses.protocols.Differentiable`.
            states: examples in rows, float32 (rows, width).
            seed: a `runtime.random.Seed`, addressed by the rows.
        """
        raise NotImplementedError

    def gradients(self, model: Any, x: tf.Tensor, seed: Seed) -> Gradients:
        """The mean and its gradient, this replica's shares."""
        rules = rules_of(model)
        with tf.GradientTape() as tape:
            value = self.value(model, x, seed)
        return value, rules.slope(tape, value, self.has_level)

    def value(self, model: Any, x: tf.Tensor, seed: Seed) -> tf.Tensor:
        """This replica's share of the mean."""
        rules = rules_of(model)
        each = self.each(rules, rules.states(x), seed)
        return batch.weighed(batch.shares(x, each.dtype), each)
