"""One picture of what the presets draw.

    python examples/gallery.py                       # a minute or two

Loads every built-in preset, samples from it, and writes gallery.png. Nothing
is trained or downloaded.
"""

import argparse
import time

import matplotlib
import numpy as np

import genzoo as gz
from genzoo.datasets import decay

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

ROWS, COLUMNS = 4, 4
# Sweeps of the Markov chains; those of presets without chains start at random.
STEPS = 2000


def tiled(images):
    """Images (rows * columns, side, side) as one, with thin white lines."""
    images = np.pad(images, ((0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    images = images.reshape(ROWS, COLUMNS, *images.shape[1:])
    return np.concatenate(np.concatenate(images, axis=1), axis=1)


def draw_images(axis, model, labels=None):
    """A panel of images, of one class in each column if there are classes."""
    n = ROWS * COLUMNS
    if isinstance(model, gz.GAN):
        given = {} if labels is None else {"labels": labels}
        x = model.sample(n, seed=0, **given)
    else:
        x = model.sample(n, seed=0, steps=STEPS)
    if x.ndim == 4 and x.shape[-1] > 1:
        # Of a cube, its first layer.
        x = x[:, 0]
    side = round(np.prod(x.shape[1:]) ** 0.5)
    # Of angles both ends are one.
    is_round = isinstance(getattr(model, "space", None), gz.spaces.Angle)
    colours = "hsv" if is_round else "gray_r"
    axis.imshow(tiled(x.reshape(n, side, side).astype(float)), cmap=colours)


def draw_points(axis, model):
    """A panel of points in the plane."""
    x = model.sample(4000, seed=0)
    axis.scatter(*x.T, s=1.5, alpha=0.4, lw=0)
    # A few of an EnergyModel are far out.
    low, high = 1.15 * np.quantile(x, [0.005, 0.995])
    axis.set(aspect="equal", xlim=(low, high), ylim=(low, high))


def draw_couplings(axis, model):
    """A panel of who votes as whom."""
    couplings = model.couplings
    most = np.quantile(abs(couplings), 0.98)
    axis.imshow(couplings, cmap="RdBu_r", vmin=-most, vmax=most)
    axis.set_xlabel("16 votes and the party: couplings", fontsize=8)


def draw_events(axis, model):
    """The mass peak, true and generated."""
    true, energies = gz.datasets.two_body_decay(20_000, seed=1)
    made = model.sample(len(true), seed=0, conditions=energies)
    bins = np.linspace(75, 107, 49)
    for x, options in (
        (true, {"alpha": 0.3, "label": "true"}),
        (made, {"histtype": "step", "lw": 1.3, "label": "GAN"}),
    ):
        axis.hist(decay.invariant_mass(x), bins, **options)
    axis.set_box_aspect(1)
    axis.set_xlabel("invariant mass / GeV", fontsize=8)
    axis.legend(frameon=False, fontsize=7)


def draw_table(axis, model):
    """Bills of penguins, of the three species."""
    table = gz.datasets.Table.from_config(model.card["table"])
    rows = table.sample(model, 300, seed=0)
    for species in sorted(set(rows["species"])):
        own = np.asarray(rows["species"]) == species
        x, y = rows["bill_length_mm"][own], rows["bill_depth_mm"][own]
        axis.scatter(x, y, s=4, label=species)
    axis.set_box_aspect(1)
    axis.set_xlabel("length of the bill / mm, and depth", fontsize=8)
    axis.legend(frameon=False, fontsize=7)


def draw(axis, name):
    """The panel of one preset."""
    model = gz.from_preset(name)
    if name == "gan_events":
        draw_events(axis, model)
        axis.set_xticks([80, 90, 100], [80, 90, 100], fontsize=7)
    elif name == "gan_penguins":
        draw_table(axis, model)
        axis.set_xticks([40, 50, 60], [40, 50, 60], fontsize=7)
    elif name == "boltzmann_votes":
        draw_couplings(axis, model)
        axis.set_xticks([])
    elif name in ("gan_ring", "gan_grid", "energy_grid"):
        draw_points(axis, model)
        axis.set_xticks([])
    else:
        is_conditional = isinstance(model, gz.GAN) and model.is_conditional
        labels = np.arange(ROWS * COLUMNS) % 10 if is_conditional else None
        draw_images(axis, model, labels)
        axis.set_xticks([])
    axis.set_yticks([])
    axis.set_title(name, fontsize=9)


def main():
    """A panel for each preset that can be sampled."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", default="gallery.png")
    options = parser.parse_args()
    names = [n for n in gz.list_presets() if n != "digit_features"]
    columns = 4
    rows = -(-len(names) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(10, 2.7 * rows), layout="constrained"
    )
    for axis in axes.flat[len(names) :]:
        axis.axis("off")
    for axis, name in zip(axes.flat, names, strict=False):
        began = time.perf_counter()
        draw(axis, name)
        print(f"{name:<24} {time.perf_counter() - began:5.1f} s", flush=True)
    figure.savefig(options.output, dpi=100)
    print(f"see {options.output}")


if __name__ == "__main__":
    main()
