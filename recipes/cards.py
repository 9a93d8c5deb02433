"""What the scripts that train presets share: cards and pictures."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from genzoo.zoo import measures

FOLDER = Path(__file__).parents[1] / "saved_models"


def measured(name, model, tolerances, errors=None):
    """The numbers of a card: each with its tolerance, and error if any."""
    found = {}
    for measure, function in measures.MEASURES[name].items():
        value = float(function(model))
        found[measure] = {"value": value, "tolerance": tolerances[measure]}
        if errors:
            found[measure]["stderr"] = errors(measure, value)
        print(f"{name}: {measure} {value:.5f}")
    return found


def picture(name, images, rows, scale=4, low=0.0, high=1.0, frame=0.0):
    """Write samples.png: images in rows, (n, side, side) or with colours.

    Args:
        name: of the preset.
        images: with values from low, white, to high, black.
        rows: how many rows of images.
        scale: the side of a pixel.
        low: see images.
        high: see images.
        frame: the shade between images, 0 for low to 1 for high.
    """
    images = (np.asarray(images, float) - low) / (high - low)
    images = images.reshape(rows, -1, *images.shape[1:])
    gap = [(0, 0), (0, 0), (1, 1), (1, 1)] + [(0, 0)] * (images.ndim - 4)
    images = np.pad(images, gap, constant_values=frame)
    tiled = np.concatenate(np.concatenate(images, axis=1), axis=1)
    pixels = np.repeat(np.repeat(tiled, scale, axis=0), scale, axis=1)
    plt.imsave(
        FOLDER / name / "samples.png",
        pixels,
        cmap="gray_r",
        vmin=0,
        vmax=1,
        metadata={"Software": None},
    )
