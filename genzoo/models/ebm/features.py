"""Energies that are linear in features, which learn too."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import keras
import tensorflow as tf
from keras import ops

from genzoo.features import Feature, FeatureList
from genzoo.models.ebm.model import EnergyModel
from genzoo.spaces import Space
from genzoo.spaces.space import get as get_space
from genzoo.types import SeedLike


@keras.saving.register_keras_serializable("genzoo")
class FeatureEnergy(keras.Model):
    """`E(x) = -sum_i lambda_i f_i(x)`, where Keras layers are trained.

    The multipliers begin at zero. Where they are those of the greatest
    likelihood, `<f_i>_model = <f_i>_data`, as of a `MaxEnt` of these features;
    where the layers are, too, these are the features that tell data best.

    Args:
        space: a `genzoo.spaces.Space`.
        features: one or a list of `genzoo.features`, functions of examples,
            or Keras layers, (batch, *event_shape) to (batch, n).

    Attributes:
        features: the `FeatureList`.
        multipliers: weight, (n,).

    Raises:
        ValueError: if there is no feature, or one does not apply.
    """

    def __init__(
        self,
        space: Space,
        features: Feature | Callable | Sequence[Feature | Callable],
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.space = get_space(space)
        self.features = FeatureList(self.space, features)
        # Tracked, so that they are trained and saved.
        self.feature_layers = [
            part.layer for part in self.features.parts if part.layer is not None
        ]
        self.multipliers = self.add_weight(
            (len(self.features),), "zeros", name="multipliers", autocast=False
        )
        self.built = True

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """E of a batch of examples, (batch,)."""
        states = self.space.flatten(ops.cast(x, "float32"))
        return -ops.matmul(self.features(states), self.multipliers)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "space": serialize(self.space),
            "features": self.features.serialize(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A network from `get_config`."""
        return cls(**config)


def learned_features(
    space: Space,
    features: Any,
    reference: None = None,
    seed: SeedLike | None = None,
    **kwargs: Any,
) -> EnergyModel:
    """The `EnergyModel` that a `MaxEnt` is whose features are trained.

    Where the space has no end its energy is relative to independent sites
    fitted to the data, which have one.

    Args:
        space: as of `MaxEnt`.
        features: as of `MaxEnt`; Keras layers among them are trained.
        reference: must be None.
        seed: int or pair of ints.
        **kwargs: of `keras.Model`.

    Raises:
        ValueError: if there is a reference, or no layer with weights that
            are trained.

    Example:
    >>> layer = keras.layers.Dense(3, "tanh")
    >>> model = genzoo.MaxEnt(
    ...     genzoo.spaces.Spin(4), layer, trainable_features=True, seed=0
    ... )
    >>> model.compile(loss="exact_likelihood")
    >>> x = np.repeat([[1, 1, 1, 1], [-1, -1, -1, -1], [1, 1, -1, -1]], 9, 0)
    >>> history = model.fit(x, epochs=2, verbose=0)
    >>> tuple(model.network.multipliers.shape), model.log_prob(x[:2]).shape
    ((3,), (2,))
    """
    if reference is not None:
        raise ValueError(
            "MaxEnt: with trainable_features=True reference must be None; "
            f"received {reference!r}. Add its log-density as a feature."
        )
    space = get_space(space)
    network = FeatureEnergy(space, features)
    if not any(layer.trainable_weights for layer in network.feature_layers):
        raise ValueError(
            "MaxEnt: trainable_features=True needs a Keras layer with "
            f"trainable weights among features; received {features!r}. "
            "Leave it out, or take genzoo.features.Function(layer)."
        )
    own = None if space.is_bounded or space.is_discrete else "data"
    return EnergyModel(space, network, own, seed, **kwargs)
