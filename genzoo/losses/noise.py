"""The noise that data are told from, where it is no reference of the model."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo import checks
from genzoo.losses.protocols import rules_of
from genzoo.runtime import data, distribute, probability, random
from genzoo.runtime.random import Seed
from genzoo.spaces import Space

# Numbers of the draws that are kept of a model, and draws at most.
_NUMBERS, _MOST = 2**22, 2**16
# Draws by which a noise is tried.
_TRIED = 256
_OWNER = "NoiseContrastiveEstimation"
_NOWHERE = (
    f"{data.TOLD}noise of {_OWNER} has no finite log_prob at some examples. "
    "Take noise that reaches wherever data are; a model must have been fitted "
    "when it was given to the loss.\n"
)


def argument(value: Any, where: str) -> Any:
    """A genzoo model, a distribution, or None; also from a configuration."""
    if isinstance(value, dict) and "distribution" in value:
        return probability.from_config(value["distribution"], where)
    if isinstance(value, dict):
        value = keras.saving.deserialize_keras_object(value)
    if value is None or probability.is_distribution(value):
        return value
    missing = [
        name
        for name in ("sample", "log_prob", "energy", "is_adapted")
        if not hasattr(value, name)
    ]
    if missing or not isinstance(value, keras.Model):
        checks.refuse(
            value,
            where,
            "None for the model's reference, a genzoo model that has sample "
            "and log_prob, or a distribution of TensorFlow Probability",
        )
    if getattr(value, "_is_conditional", False):
        raise ValueError(
            f"{where}: {type(value).__name__} is conditional, and noise has "
            "no condition. Take another model."
        )
    return value


def serialize(value: Any) -> Any:
    """What `argument` reads."""
    if value is None:
        return None
    if probability.is_distribution(value):
        return {"distribution": probability.to_config(value, _OWNER)}
    config = keras.saving.serialize_keras_object(value)
    # It learns no more, and has neither optimizer nor chains to be loaded.
    config.pop("compile_config", None)
    return config


def is_known(noise: Any) -> bool:
    """Whether it can draw: a model of a configuration has no weights yet."""
    return probability.is_distribution(noise) or noise.is_adapted


def asserted(log_q: tf.Tensor) -> tf.Tensor:
    """log q of examples, which fails where noise never is."""
    wrong = ~tf.reduce_all(tf.math.is_finite(log_q))
    return data.asserted(log_q, {_NOWHERE: wrong})


def try_out(noise: Any, space: Space) -> None:
    """Raise a ValueError unless a noise draws and scores states of a space."""
    where, name = f"{_OWNER}: noise", type(noise).__name__
    if probability.is_distribution(noise):
        drawn = Distribution(noise, space)
        shape = tuple(noise.event_shape)
        if tuple(noise.batch_shape) or shape != space.event_shape:
            raise ValueError(
                f"{where}: {name} has the event shape {shape} and the batch "
                f"shape {tuple(noise.batch_shape)}; the model's are "
                f"{space.event_shape} and (). Independent numbers are made one "
                "event by tfp.distributions.Independent."
            )
        x = drawn.noise(_TRIED, random.as_seed(0))
        try:
            score = drawn.log_noise(x)
        except NotImplementedError as error:
            raise ValueError(
                f"{where}: {name} has no log_prob: {error}"
            ) from error
    else:
        if noise.space.event_shape != space.event_shape:
            raise ValueError(
                f"{where}: {name} draws examples of shape "
                f"{noise.space.event_shape}; the model's have "
                f"{space.event_shape}."
            )
        if not noise.is_adapted:
            raise ValueError(
                f"{where}: {name} has not seen data. Fit it first."
            )
        x = space.flatten(tf.cast(noise.sample(_TRIED, seed=0), tf.float32))
        score = noise.log_prob(noise.space.unflatten(x).numpy())
    inside = np.asarray(space.contains(x))
    if not inside.all():
        raise ValueError(
            f"{where}: {int((~inside).sum())} of {_TRIED} draws of {name} lie "
            f"outside of the space; the model's sites hold "
            f"{space.description}. Take noise that has no other values."
        )
    if not np.isfinite(score).all():
        raise ValueError(
            f"{where}: {name} gives draws of its own a log_prob that is not "
            "finite."
        )


def source(noise: Any, model: Any) -> Any:
    """What draws and scores: has `noise(n, seed)` and `log_noise(states)`."""
    if noise is None:
        return rules_of(model)
    if probability.is_distribution(noise):
        return Distribution(noise, model.space)
    return model.critic


class Distribution:
    """Noise of a distribution of TensorFlow Probability.

    Args:
        distribution: the distribution.
        space: the model's `Space`.
    """

    def __init__(self, distribution: Any, space: Space):
        self.distribution = distribution
        self.space = space

    def noise(self, n: Any, seed: Seed) -> tf.Tensor:
        """n states, float32 (n, width)."""
        # It addresses no rows: each replica draws all, and takes its own.
        first, total = distribute.global_rows(n)
        key = tf.bitcast(random.fold_in(seed, 0).key[0], tf.int32)
        drawn = self.distribution.sample(total, seed=key)
        drawn = tf.cast(drawn, tf.float32)
        drawn = tf.reshape(drawn, (total, *self.space.event_shape))
        return self.space.flatten(drawn[first : first + n])

    def log_noise(self, states: tf.Tensor) -> tf.Tensor:
        """log q of states, float32 (rows,)."""
        x = self.space.unflatten(states)
        found = self.distribution.log_prob(tf.cast(x, self.distribution.dtype))
        return tf.cast(found, tf.float32)


class Model(keras.layers.Layer):
    """Noise of a genzoo model, a copy of it and draws from it.

    The draws are made once, since a model may take seconds for them: steps
    take theirs from among these. They are weights, and with them a run
    resumes.

    Args:
        model: the copy.
    """

    def __init__(self, model: Any, **kwargs: Any):
        super().__init__(trainable=False, **kwargs)
        self.model = model
        self.space = model.space
        count = min(_MOST, _NUMBERS // self.space.width)
        self.drawn = distribute.mirrored_weight(
            self, "drawn", (count, self.space.width)
        )
        # Until it is found or loaded nothing can be learned.
        self.log_z = distribute.mirrored_weight(
            self, "log_z", (), _unknown, dtype="float64"
        )
        self.built = True

    @classmethod
    def of(cls, model: Any, seed: Any) -> "Model":
        """Of a copy of a model, which may itself be trained further.

        One that has not seen data is no copy, and its weights are loaded.

        Args:
            model: the model.
            seed: of the draws, a pair of ints.
        """
        if not is_known(model):
            return cls(model, name="noise")
        copied = type(model).from_config(model.get_config())
        found = cls(copied, name="noise")
        copied.adapted.assign(1)
        for own, other in zip(
            copied._energy_weights(), model._energy_weights(), strict=True
        ):
            own.assign(other)
        x = model.sample(found.drawn.shape[0], seed=seed)
        states = model.space.flatten(tf.cast(x, tf.float32))
        found.drawn.assign(states)
        # By the method itself, for models that scale their energy.
        some = model.space.unflatten(states[:1])
        log_p = model.log_prob(some.numpy())
        found.log_z.assign(-model.energy(some.numpy())[0] - log_p[0])
        return found

    def noise(self, n: Any, seed: Seed) -> tf.Tensor:
        """n states, float32 (n, width)."""
        count = self.drawn.shape[0]
        share = random.uniform((n, 1), seed)[:, 0]
        place = tf.cast(share * count, tf.int32)
        return tf.gather(
            tf.convert_to_tensor(self.drawn.value),
            tf.minimum(place, count - 1),
        )

    def log_noise(self, states: tf.Tensor) -> tf.Tensor:
        """log q of states, float32 (rows,)."""
        x = tf.cast(self.space.unflatten(states), self.model.variable_dtype)
        energy = tf.cast(self.model.call(x), tf.float64)
        found = -energy - tf.convert_to_tensor(self.log_z.value)
        return tf.cast(found, tf.float32)


def _unknown(shape, dtype):
    return np.full(shape, np.nan, dtype)
