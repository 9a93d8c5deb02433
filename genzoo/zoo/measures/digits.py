"""Measures of the presets of handwritten digits."""

import os
from collections.abc import Callable

import keras
import numpy as np

from genzoo import datasets
from genzoo.models import RBM
from genzoo.types import Array


def enlarged_digits() -> tuple[Array, Array]:
    """(images, labels) of all 8x8 digits, as 28x28 images in [-1, 1].

    Three times as large, in a frame of two pixels: seen by no network that
    was trained on MNIST.
    """
    parts = datasets.digits.load_data()
    images, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
    images = np.kron(images / 8.0 - 1.0, np.ones((1, 3, 3)))
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)), constant_values=-1.0)
    return images[..., None].astype("float32"), labels


def mnist_test_digits() -> tuple[Array, Array]:
    """(images, labels) of MNIST's test set, images in [-1, 1].

    From the file named by MNIST_NPZ, else by Keras's loader, which downloads.
    """
    path = os.environ.get("MNIST_NPZ")
    if path:
        with np.load(path, allow_pickle=False) as file:
            images, labels = file["x_test"], file["y_test"]
    else:
        _, (images, labels) = keras.datasets.mnist.load_data()
    return (images[..., None] / 127.5 - 1).astype("float32"), labels


def _accuracy(load):
    def measure(model):
        images, labels = load()
        return np.mean(model.classify(images).argmax(1) == labels)

    return measure


def exact_log_likelihood(part: int) -> Callable[[RBM], float]:
    """A measure: the mean of log p, with log Z by enumeration."""

    def measure(rbm):
        images, _ = datasets.digits.load_data()[part]
        x = (images.reshape(len(images), -1) > 7).astype("uint8")
        rbm.log_partition(method="enumeration")
        return rbm.log_prob(x).mean()

    return measure


_on_mnist = _accuracy(mnist_test_digits)
SLOW = {_on_mnist}
MEASURES = {
    "digit_features": {
        "accuracy_mnist_test": _on_mnist,
        "accuracy_digits_8x8_enlarged": _accuracy(enlarged_digits),
    },
    "rbm_digits_8x8": {
        "log_likelihood_train": exact_log_likelihood(0),
        "log_likelihood_test": exact_log_likelihood(1),
    },
}
