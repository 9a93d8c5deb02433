"""Letters A to J of free fonts."""

from pathlib import Path

import numpy as np

from genzoo.types import Array

LETTERS = "ABCDEFGHIJ"


def load_data() -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Capital letters of free fonts, 32x32 pixels, that ship with genzoo.

    Each letter is scaled to 26 pixels, of its height or its width, whichever
    is larger, and centred; 0 is paper and 255 ink, in 16 greys. A face gives
    all ten letters. `y` counts `LETTERS`. Test faces are of other families
    than training faces, and no two faces are nearly the same.
    `recipes/glyph_fonts.py` drew them, and left out faces of which a linear
    classifier, trained on other families, tells fewer than eight letters.

    Families may have an ancestor in common, so that test letters are of new
    faces, but not of new kinds of type: half of the test faces have a training
    face from which a pixel differs by less than 6 % of the greys, on average.

    Source: fonts of Debian 12, 183 packages (`recipes/glyph_packages.txt`).
    Licence: the fonts are under the SIL Open Font License 1.1, as each states
    in its own name table; here are pictures of their letters, and no font.
    The file glyphs.txt beside this one lists the faces and the holders of
    their copyright.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images of shape (n, 32, 32)
        and labels 0 to 9 of shape (n,), all uint8; all faces of A come first,
        in the order of the faces, then those of B.

    Example:
    >>> (x_train, y_train), _ = genzoo.datasets.glyphs.load_data()
    >>> x_train.shape[1:], genzoo.datasets.glyphs.LETTERS[y_train[0]]
    ((32, 32), 'A')
    """
    path = Path(__file__).with_name("glyphs.npz")
    with np.load(path, allow_pickle=False) as file:
        train, test = (
            (_unpacked(file[f"x_{part}"]), file[f"y_{part}"])
            for part in ("train", "test")
        )
    return train, test


def _unpacked(pairs):
    """Two pixels of four bits from each byte, as 0, 17, ..., 255."""
    pixels = np.stack([pairs >> 4, pairs & 15], axis=-1) * np.uint8(17)
    return pixels.reshape(-1, 32, 32)
