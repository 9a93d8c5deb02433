"""The numbers on the cards of the built-in presets, and how to measure them.

A card's "measured" is a dict from names to {"value", "tolerance"} and, where
there is one, "stderr". `MEASURES` has the functions that make such values.
"""

import os
from typing import NamedTuple

import keras
import numpy as np

from genzoo import datasets
from genzoo.zoo import presets


class Row(NamedTuple):
    """One number, on the card and measured again."""

    measure: str
    expected: float
    found: float
    tolerance: float

    @property
    def agrees(self):
        """Whether the two differ by no more than the tolerance."""
        # False where either is not a number.
        return abs(self.found - self.expected) <= self.tolerance


def verify(name, quick=False):
    """Measure a preset's numbers again.

    Args:
        name: of a built-in preset.
        quick: whether to leave out what takes long or needs a download.

    Returns:
        A list of `Row`s.

    Raises:
        ValueError: for a preset, or a number on its card, without a measure.
    """
    model = presets.from_preset(name)
    card = presets.card(name)["measured"]
    known = MEASURES.get(name, {})
    if card.keys() != known.keys():
        raise ValueError(
            f"{name}: the card has {sorted(card)}; measures are known of "
            f"{sorted(known)}."
        )
    return [
        Row(
            measure,
            card[measure]["value"],
            float(function(model)),
            card[measure]["tolerance"],
        )
        for measure, function in known.items()
        if not (quick and function in _SLOW)
    ]


# Digits ---------------------------------------------------------------------


def enlarged_digits():
    """(images, labels) of all 8x8 digits, as 28x28 images in [-1, 1].

    Three times as large, in a frame of two pixels: seen by no network that
    was trained on MNIST.
    """
    parts = datasets.digits.load_data()
    images, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
    images = np.kron(images / 8.0 - 1.0, np.ones((1, 3, 3)))
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)), constant_values=-1.0)
    return images[..., None].astype("float32"), labels


def mnist_test_digits():
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


def _log_likelihood(part):
    def measure(rbm):
        images, _ = datasets.digits.load_data()[part]
        x = (images.reshape(len(images), -1) > 7).astype("uint8")
        rbm.log_partition(method="enumeration")
        return rbm.log_prob(x).mean()

    return measure


# Ising ----------------------------------------------------------------------


def mean_bonds(model, x):
    """x_i x_j averaged over the bonds of a periodic square lattice, (n,)."""
    bonds = np.asarray(model.features(x.reshape(len(x), -1)))[:, 0]
    return bonds / (2 * x[0].size)


def _mean_bond(model):
    return mean_bonds(model, model.sample(1000, seed=0, steps=2000)).mean()


_on_mnist = _accuracy(mnist_test_digits)
_SLOW = {_on_mnist}
MEASURES = {
    "digit_features": {
        "accuracy_mnist_test": _on_mnist,
        "accuracy_digits_8x8_enlarged": _accuracy(enlarged_digits),
    },
    "ising_maxent_16_critical": {
        "coupling": lambda model: model.multipliers[0],
        "mean_bond_of_samples": _mean_bond,
    },
    "rbm_digits_8x8": {
        "log_likelihood_train": _log_likelihood(0),
        "log_likelihood_test": _log_likelihood(1),
    },
}
