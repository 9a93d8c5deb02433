"""genzoo: generative models with a likelihood, Boltzmann machines and GANs."""

from genzoo._version import __version__

_CHOOSE = (
    "Set KERAS_BACKEND=tensorflow before Keras is imported, or 'backend' in "
    "~/.keras/keras.json."
)

try:
    import keras
except ModuleNotFoundError as error:
    # Keras imports the backend that is set, whose package may be missing.
    raise ImportError(
        "genzoo needs Keras's TensorFlow backend; Keras fails to import with "
        f"the one that is set: {error}. {_CHOOSE}"
    ) from error

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        "genzoo needs Keras's TensorFlow backend; it is set to "
        f"{keras.backend.backend()!r}. {_CHOOSE}"
    )

from genzoo import (  # noqa: E402
    callbacks,
    datasets,
    features,
    layers,
    losses,
    metrics,
    models,
    networks,
    optimizers,
    partition,
    penalties,
    random,
    regularizers,
    samplers,
    spaces,
    units,
    zoo,
)
from genzoo.export import load_exported  # noqa: E402
from genzoo.models import (  # noqa: E402
    GAN,
    RBM,
    BoltzmannMachine,
    DeepBeliefNetwork,
    DeepBoltzmannMachine,
    EnergyModel,
    MaxEnt,
    pretrain,
)
from genzoo.zoo import from_preset, list_presets, upload_preset  # noqa: E402

__all__ = [
    "GAN",
    "RBM",
    "BoltzmannMachine",
    "DeepBeliefNetwork",
    "DeepBoltzmannMachine",
    "EnergyModel",
    "MaxEnt",
    "__version__",
    "callbacks",
    "datasets",
    "features",
    "from_preset",
    "layers",
    "list_presets",
    "load_exported",
    "losses",
    "metrics",
    "models",
    "networks",
    "optimizers",
    "partition",
    "penalties",
    "pretrain",
    "random",
    "regularizers",
    "samplers",
    "spaces",
    "units",
    "upload_preset",
    "zoo",
]
