"""Draw the letters A to J of free fonts: genzoo/datasets/glyphs.npz.

    apt-get download $(cat recipes/glyph_packages.txt)   # Debian 12, 850 MB
    for package in *.deb; do dpkg-deb -x $package fonts; done
    python -m recipes.glyph_fonts fonts                  # a minute or two

Fonts are taken whose own name table states the SIL Open Font License and
which have all ten letters. Of a family, which is what shares the first word
of its name, up to `MOST` faces are kept that differ; no face is kept that is
nearly one of another family. A face of which a linear classifier, trained on
other families, tells fewer than `READABLE` of the ten letters is left out:
symbols, blackletter, very ornamental ones. Families, not faces, are split
into training and test. Writes glyphs.txt, too, the families and the holders
of their copyright.
"""

import argparse
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from fontTools.ttLib import TTFont, TTLibError
from PIL import Image, ImageDraw, ImageFont

from genzoo.zoo.measures import glyphs as measures

LETTERS = "ABCDEFGHIJ"
SIDE, INSIDE, LARGE = 32, 26, 256
MOST, DIFFERENT, READABLE, TEST = 6, 0.03, 8, 0.15
# Ink of a letter, as a share of the square that it is fitted into.
INK = (0.04, 0.8)
# Names of many families begin with these.
COMMON = {"gfs", "league", "libre", "linux", "new", "old", "open", "qt", "the"}
FOLDER = Path(__file__).parents[1] / "genzoo" / "datasets"


class Face(NamedTuple):
    """A face of a font: names, and its ten letters, (10, 32, 32)."""

    family: str
    full_name: str
    copyright: str
    letters: np.ndarray


def family_of(name):
    """The first word of a name; two where that is common or short."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)
    if not words:
        return name.lower()
    first = words[0].lower()
    short = len(first) < 3 or first in COMMON
    return " ".join(word.lower() for word in words[: 1 + short])


def face(path):
    """The face in a file; None unless free, with all letters."""
    try:
        font = TTFont(path, lazy=True)
        names, characters = font["name"], font.getBestCmap()
    except (TTLibError, KeyError, ValueError):
        return None
    licence = " ".join(names.getDebugName(i) or "" for i in (13, 14))
    is_free = re.search(r"SIL Open Font Licen[sc]e|/OFL", licence, re.I)
    if not is_free or not set(map(ord, LETTERS)) <= set(characters or ()):
        return None
    letters = drawn(path)
    if letters is None:
        return None
    name = names.getDebugName(16) or names.getDebugName(1) or path.stem
    holder = " ".join((names.getDebugName(0) or "").split())
    full = names.getDebugName(4) or path.stem
    return Face(family_of(name), full, holder, letters)


def drawn(path):
    """Ten letters, each fitted and centred; None if one is no letter."""
    try:
        font = ImageFont.truetype(
            str(path), LARGE, layout_engine=ImageFont.Layout.BASIC
        )
    except OSError:
        return None
    found = []
    for letter in LETTERS:
        left, top, right, bottom = font.getbbox(letter)
        size = right - left, bottom - top
        if not 16 <= max(size) <= 4 * LARGE or min(size) < 4:
            return None
        large = Image.new("L", size)
        ImageDraw.Draw(large).text((-left, -top), letter, 255, font=font)
        box = large.getbbox()
        if box is None:
            return None
        large = large.crop(box)
        scale = INSIDE / max(large.size)
        size = [max(1, round(scale * side)) for side in large.size]
        small = large.resize(size, Image.Resampling.HAMMING)
        ink = np.asarray(small).sum() / (255 * INSIDE**2)
        if not INK[0] <= ink <= INK[1]:
            return None
        image = Image.new("L", (SIDE, SIDE))
        image.paste(small, [(SIDE - side) // 2 for side in size])
        found.append(np.asarray(image))
    found = np.stack(found)
    pairs = abs(found[:, None] - found[None].astype(float)).mean((2, 3)) / 255
    # Letters that look alike: a font that has one box for all.
    if pairs[np.triu_indices(len(LETTERS), 1)].min() < 0.01:
        return None
    # 16 greys.
    return np.rint(found / 17).astype(np.uint8)


def distances(face, faces):
    """The mean difference of a pixel to each face, as a share of white."""
    others = np.stack([each.letters for each in faces]).astype(np.float32)
    return abs(others - face.letters).mean((1, 2, 3)) / 15


def spread(faces):
    """Up to `MOST` faces, each as far as possible from those before."""
    faces = sorted(faces, key=lambda each: (len(each.full_name), each[:3]))
    kept = [faces[0]]
    nearest = distances(kept[0], faces)
    while len(kept) < MOST and nearest.max() > DIFFERENT:
        kept.append(faces[nearest.argmax()])
        nearest = np.minimum(nearest, distances(kept[-1], faces))
    return kept


def apart(families):
    """Without faces that are nearly one of an earlier family."""
    kept = []
    for faces in families:
        kept += [
            each
            for each in faces
            if not kept or distances(each, kept).min() > DIFFERENT
        ]
    return kept


def readable(faces, folds=5):
    """How many letters of each face other families' letters tell."""
    families = sorted({each.family for each in faces})
    order = np.random.default_rng(0).permutation(len(families))
    fold = dict(zip(families, order % folds, strict=True))
    of_face = np.array([fold[each.family] for each in faces])
    images = np.stack([each.letters for each in faces]) * 17
    count = np.zeros(len(faces), int)
    for k in range(folds):
        told = of_face != k
        judge = measures.Judge(
            images[told].reshape(-1, SIDE, SIDE),
            np.tile(np.arange(10), told.sum()),
        )
        found = judge.classify(images[~told].reshape(-1, SIDE, SIDE))
        count[~told] = (found.reshape(-1, 10) == np.arange(10)).sum(1)
    return count


def split(faces):
    """(training, test) faces, of different families."""
    families = sorted({each.family for each in faces})
    order = np.random.default_rng(0).permutation(len(families))
    test, wanted = [], TEST * len(faces)
    for i in order:
        if len(test) < wanted:
            test += [each for each in faces if each.family == families[i]]
    held = {each.family for each in test}
    return [each for each in faces if each.family not in held], test


def packed(faces):
    """Two pixels a byte, (n, 512), and labels: letter by letter."""
    images = np.stack([each.letters for each in faces]).swapaxes(0, 1)
    pixels = images.reshape(-1, SIDE * SIDE)
    labels = np.repeat(np.arange(10, dtype=np.uint8), len(faces))
    return pixels[:, ::2] << 4 | pixels[:, 1::2], labels


def write(faces):
    """The files of faces, split."""
    train, test = split(faces)
    for name, part in (("training", train), ("test", test)):
        print(name, len(part), "faces", len({x.family for x in part}))
    arrays = {}
    for name, part in (("train", train), ("test", test)):
        arrays[f"x_{name}"], arrays[f"y_{name}"] = packed(part)
    np.savez_compressed(FOLDER / "glyphs.npz", **arrays)
    lines = [
        f"{each.full_name}: {each.copyright}"
        for each in sorted(faces, key=lambda each: each[:3])
    ]
    (FOLDER / "glyphs.txt").write_text("\n".join(lines) + "\n")


def main():
    """Draw, choose, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    options = parser.parse_args()
    paths = sorted(
        (
            path
            for folder in options.folders
            for path in folder.rglob("*.[ot]tf")
        ),
        key=lambda path: (path.name, str(path)),
    )
    faces = [each for each in map(face, paths) if each]
    print(f"{len(paths)} files, {len(faces)} faces under the OFL")
    families = {}
    for each in faces:
        families.setdefault(each.family, []).append(each)
    faces = apart(spread(families[name]) for name in sorted(families))
    print(f"{len(faces)} faces that differ")
    count = readable(faces)
    faces = [
        each
        for each, told in zip(faces, count, strict=True)
        if told >= READABLE
    ]
    write(faces)


if __name__ == "__main__":
    main()
