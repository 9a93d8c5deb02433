"""genzoo: generative models with a likelihood, Boltzmann machines and GANs."""

import keras

from genzoo._version import __version__

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        "genzoo needs Keras's TensorFlow backend; it is set to "
        f"{keras.backend.backend()!r}. Set KERAS_BACKEND=tensorflow before "
        "Keras is imported, or 'backend' in ~/.keras/keras.json."
    )

from genzoo import (  # noqa: E402
    callbacks,
    datasets,
    losses,
    models,
    partition,
    runtime,
    samplers,
    units,
)
from genzoo.models import RBM  # noqa: E402

__all__ = [
    "RBM",
    "__version__",
    "callbacks",
    "datasets",
    "losses",
    "models",
    "partition",
    "samplers",
    "units",
]
