"""What the recipes share: cards and pictures."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from genzoo.zoo import measures

FOLDER = Path(__file__).parents[1] / "saved_models"


def measure(name, model, *seed):
    """The values of a preset's measures, a dict."""
    found = {}
    for key, function in measures.MEASURES[name].items():
        found[key] = float(function(model, *seed))
        print(f"{name}: {key} {found[key]:.5f}", flush=True)
    return found


def save(name, model, card, values, tolerances, errors, dtype=None):
    """Write the preset with its card.

    Args:
        name: of the preset.
        model: as it is to be loaded.
        card: what is said of this model alone.
        values: see `measure`.
        tolerances: how far each value may be when it is measured again.
        errors: the standard error of each value.
        dtype: of the weights in the file; their own by default.
    """
    card = {
        "licence": "Apache-2.0",
        "command": f"python -m recipes.train {name}",
        "seed": 0,
        **card,
        "measured": {
            key: {
                "value": value,
                "tolerance": tolerances[key],
                "stderr": errors[key],
            }
            for key, value in values.items()
        },
    }
    model.save_to_preset(FOLDER / name, card, dtype)


def picture(name, images, rows, **options):
    """Write samples.png of a preset; see `grid`."""
    grid(FOLDER / name / "samples.png", images, rows, **options)


def grid(path, images, rows, scale=4, low=0.0, high=1.0, frame=0.0):
    """Write images in rows, (n, side, side) or with colours.

    Args:
        path: of the file.
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
        path,
        pixels,
        cmap="gray_r",
        vmin=0,
        vmax=1,
        metadata={"Software": None},
    )
