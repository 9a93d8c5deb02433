"""The 8x8 handwritten digits of the UCI repository."""

from pathlib import Path

import numpy as np

from genzoo.types import Array

_TRAINING = 1500


def load_data() -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """1,797 handwritten digits, 8x8 pixels, that ship with genzoo.

    Each pixel counts the ink in a 4x4 block of a 32x32 scan, from 0 to 16.
    `images.reshape(-1, 64) > 7` binarises them. The first 1,500 are for
    training.

    Source: Alpaydin and Kaynak, "Optical recognition of handwritten digits",
    UCI Machine Learning Repository, 1998, doi:10.24432/C50P49, its test set.
    Licence: Creative Commons Attribution 4.0 International (CC BY 4.0).

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images of shape (n, 8, 8) and
        labels 0 to 9 of shape (n,), all uint8.

    Example:
    >>> (x_train, _), (x_test, _) = genzoo.datasets.digits.load_data()
    >>> x_train.shape
    (1500, 8, 8)
    """
    path = Path(__file__).with_name("digits.npz")
    with np.load(path, allow_pickle=False) as file:
        x, y = file["x"], file["y"]
    split = _TRAINING
    return (x[:split], y[:split]), (x[split:], y[split:])
