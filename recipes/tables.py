"""The adversarial preset of a table."""

import keras
import matplotlib.pyplot as plt
import numpy as np

import genzoo as gz
from genzoo.zoo.measures import tables as measures
from recipes import cards, gan

COPIES, EPOCHS, WIDTH = 8, 150, 256


def gan_penguins():
    """Eight columns of penguins, of which some is missing."""
    name = "gan_penguins"
    train, _ = gz.datasets.penguins.load_data()
    table = measures.table()
    keras.utils.set_random_seed(0)
    model = gz.GAN(*gz.networks.tabular(table, width=WIDTH), seed=0)
    model.compile(steps_per_execution=10)
    # Where a value is in its bin, and what stands for a gap, is drawn anew.
    x = [table.encode(train, seed=(0, copy)) for copy in range(COPIES)]
    model.fit(np.concatenate(x), epochs=EPOCHS, verbose=2)
    real = measures.of_species(measures.known(train), 1)
    card = {
        "description": "a table of penguins: species, island, sex, year and "
        "four numbers, of which some are missing",
        "data": "genzoo.datasets.penguins, doi:10.5281/zenodo.3960218; 258 "
        "penguins to train, 86 to test",
        "data_licence": "CC0",
        "training": f"networks.tabular of width {WIDTH}: {EPOCHS} epochs of "
        f"{COPIES} encodings of each penguin",
        "table": table.get_config(),
        "use": "table = genzoo.datasets.Table.from_config(gan.card['table']); "
        "table.sample(gan, 100, where={'species': 'Gentoo'})",
        "units": "species_accuracy: of test penguins by linear discriminants "
        f"learned from samples, {real:.3f} if learned from training penguins; "
        "largest_shift: of a mean of a species, in its standard deviations; "
        "smallest_spread: of four numbers of a species, in any direction, over "
        "that of penguins; "
        "classifier_accuracy: of samples against all penguins, 0.5 is chance; "
        + gan.STDERR,
    }
    gan.save(name, model, card)
    _draw(name, train, table.sample(model, len(train["year"]), seed=0))


def _draw(name, real, drawn):
    figure, axes = plt.subplots(
        1, 2, figsize=(6, 3), layout="constrained", sharex=True, sharey=True
    )
    for axis, rows, title in zip(
        axes, (real, drawn), ("penguins", name), strict=True
    ):
        for species in np.unique(real["species"]):
            own = np.asarray(rows["species"]) == species
            x, y = rows["bill_length_mm"][own], rows["bill_depth_mm"][own]
            axis.scatter(x, y, s=4, label=species)
        axis.set_title(title)
        axis.set_xlabel("length of the bill (mm)")
    axes[0].set_ylabel("depth (mm)")
    axes[0].legend(fontsize=6)
    figure.savefig(
        cards.FOLDER / name / "samples.png",
        dpi=100,
        metadata={"Software": None},
    )
    plt.close(figure)


PRESETS = (gan_penguins,)
