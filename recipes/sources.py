"""Where recipes and benchmarks have MNIST, examples and trained models from."""

import importlib.util
import os
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
# Where Keras's loader keeps it; peers have no Keras.
DOWNLOADED = Path.home() / ".keras" / "datasets" / "mnist.npz"


def load_mnist():
    """MNIST as Keras's loader gives it, or from the file named by MNIST_NPZ.

    The file has the layout of `keras.datasets.mnist`.
    """
    path = os.environ.get("MNIST_NPZ", DOWNLOADED)
    if not Path(path).exists():
        import keras

        return keras.datasets.mnist.load_data()
    with np.load(path, allow_pickle=False) as file:
        train = file["x_train"], file["y_train"]
        return train, (file["x_test"], file["y_test"])


def mnist():
    """(x_train, x_test), 0 and 1, threshold 127, uint8, (n, 784)."""
    (x, _), (x_test, _) = load_mnist()
    return [(x.reshape(-1, 784) > 127).astype("uint8") for x in (x, x_test)]


def mnist_images():
    """((x, y), (x_test, y_test)), images in [-1, 1], (n, 28, 28, 1)."""
    return tuple(
        ((x[..., None] / 127.5 - 1).astype("float32"), y)
        for x, y in load_mnist()
    )


def example(name):
    """The module `examples/<name>.py`."""
    path = ROOT / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def trained(path):
    """A model from a .keras file, a folder or the name of a preset."""
    import keras

    import genzoo as gz

    is_file = path.endswith(".keras")
    return (keras.models.load_model if is_file else gz.from_preset)(path)
