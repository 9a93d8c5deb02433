"""A target for how active hidden units are on average."""

from typing import Any, ClassVar, Self

import keras
import tensorflow as tf

from genzoo import checks


@keras.saving.register_keras_serializable("genzoo")
class Sparsity:
    """Hidden units whose mean over the data is held near a target p.

    `weight (q_j - p)` is added to the gradient that each hidden bias
    descends, with q_j the mean of <h_j> over the batch. It is the gradient by
    the bias of the cross-entropy `-p log q_j - (1 - p) log(1 - q_j)` of
    Bernoulli units; of other units, of minus the log-probability of a mean p.
    The kernel's is left out: to make units rarer their biases are enough, and
    features stay those of the likelihood.

    Args:
        target: p, inside the range of a hidden unit.
        weight: how strongly it counts beside the likelihood.

    Raises:
        ValueError: if `target` is no finite number, or `weight` is not
            positive.

    Reference:
        Lee, Ekanadham and Ng, "Sparse deep belief net model for visual area
        V2", NIPS 2007; Hinton, "A practical guide to training restricted
        Boltzmann machines", section 11, 2012.

    Example:
    >>> rbm = genzoo.RBM(
    ...     genzoo.units.Bernoulli(64),
    ...     genzoo.units.Bernoulli(16),
    ...     sparsity=genzoo.regularizers.Sparsity(0.1),
    ... )
    """

    arguments: ClassVar[checks.Arguments] = {
        "target": checks.finite_number,
        "weight": checks.positive_number,
    }

    def __init__(self, target: float, weight: float = 1.0):
        self.target, self.weight = checks.arguments(
            self, target=target, weight=weight
        )

    def gradient(self, mean: tf.Tensor) -> tf.Tensor:
        """`weight (mean - target)`, in the shape of the mean activities."""
        return self.weight * (mean - self.target)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"target": self.target, "weight": self.weight}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A target from `get_config`."""
        return cls(**config)


def get(identifier: Any) -> Sparsity:
    """A `Sparsity` from its target, its configuration, or itself.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if checks.is_number(identifier):
        return Sparsity(identifier)
    if not isinstance(identifier, Sparsity):
        checks.refuse(
            identifier,
            "RBM: sparsity",
            "a genzoo.regularizers.Sparsity, a number or None",
        )
    return identifier
