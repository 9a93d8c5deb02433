"""Penguins of the Palmer archipelago: a small table of numbers and kinds."""

from pathlib import Path

import numpy as np

from genzoo.types import Array

_TRAINING = 258


def load_data() -> tuple[dict[str, Array], dict[str, Array]]:
    """344 penguins of three species, which ship with genzoo.

    A table of eight columns: species, island and sex; length and depth of the
    bill and length of the flippers, in mm; mass in g; and the year. Of two
    penguins the numbers are missing (NaN), of eleven the sex (None). 258 of
    them, taken by chance (`numpy.random.default_rng(0).permutation(344)`), are
    for training.

    Source: Horst, Hill and Gorman, "palmerpenguins", R package, 2020,
    doi:10.5281/zenodo.3960218; Gorman, Williams and Fraser, "Ecological
    sexual dimorphism and environmental variability within a community of
    Antarctic penguins (genus Pygoscelis)", PLoS ONE 9(3), 2014, e90081.
    Licence: CC0.

    Returns:
        `(train, test)`: dicts of columns by name, of 258 and 86 rows, as
        `genzoo.datasets.Table` takes them.

    Example:
    >>> train, test = genzoo.datasets.penguins.load_data()
    >>> genzoo.datasets.Table(train).names[:3]
    ['species', 'island', 'bill_length_mm']
    """
    path = Path(__file__).with_name("penguins.npz")
    with np.load(path, allow_pickle=False) as file:
        columns = {name: file[name] for name in file.files}
    for name, column in columns.items():
        if column.dtype == np.float32:
            # As they are written, to a tenth.
            columns[name] = np.round(column.astype(np.float64), 1)
    sex = columns["sex"].astype(object)
    columns["sex"] = np.where(sex == "", None, sex)
    order = np.random.default_rng(0).permutation(len(sex))
    train, test = (
        {name: column[rows] for name, column in columns.items()}
        for rows in (order[:_TRAINING], order[_TRAINING:])
    )
    return train, test
