"""The presets that come with genzoo, and what their files must hash to."""

from pathlib import Path

from genzoo.zoo.files import CONFIG, METADATA, WEIGHTS

# SHA-256 of config.json, metadata.json and model.weights.h5;
# `python -m genzoo.zoo hash FOLDER` prints a row.
_HASHES = {
    "digit_features": (
        "547fb62f3f3deb1a17b3a3c5983f8364d98f690d24e4225d9c9a11f82ddaa97d",
        "a304fb40d2e83ec3f400e7428437456b67ed1dc9eee968269b39165408b267aa",
        "7f84faca340438b14d13aa4a04799d1a0b1ca8de7d7622b6ebd3e1b2ccf75eed",
    ),
    "ising_maxent_16_critical": (
        "ae64e80de3768f57934e070cb65a97eb9a4761edab4aa0ef56b91704a1419005",
        "3d411042fd1fda6488d0b763b10c5d81e6748ca44ad39e694fb4b2a9e9da2490",
        "577d341e0a8ff9cc97452a9e430b354b422538ca83338ecc88aed78e30eb7960",
    ),
    "rbm_digits_8x8": (
        "45f332e5397771e1982fef0e93b1dc52cdd7a6f4a90189f2eb32374edb5b0586",
        "ddc4a252b60d3d394a9807df155ac251cde216cddaab3c34cb31f2e253e4096f",
        "8ca3a0275a52bf9c0b4f7522145c06135fefbd4a799d78f67798a28b15450a4d",
    ),
}
HASHES = {
    name: dict(zip((CONFIG, METADATA, WEIGHTS), hashes, strict=True))
    for name, hashes in _HASHES.items()
}


def root():
    """The folder of all built-in presets."""
    package = Path(__file__).parents[1]
    # Where setup.cfg puts it in a wheel; else the checkout's own.
    inside = package / "saved_models"
    return inside if inside.is_dir() else package.parent / "saved_models"
