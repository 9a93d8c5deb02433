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
    "gan_mnist_conditional": (
        "0f122e8aabeebc701312c5ebdfca04666072edda431da119ccf08fa96e7f1e98",
        "2ea46db3c516107efde111402f29246eef56baf3c737d7973e475d007fd6e6f4",
        "1239e6c64a3146b608c4773872739b6df3ca9d05a12d204c73aa1c1cf0a0fe10",
    ),
    "ising_maxent_16_critical": (
        "ae64e80de3768f57934e070cb65a97eb9a4761edab4aa0ef56b91704a1419005",
        "3d411042fd1fda6488d0b763b10c5d81e6748ca44ad39e694fb4b2a9e9da2490",
        "577d341e0a8ff9cc97452a9e430b354b422538ca83338ecc88aed78e30eb7960",
    ),
    "rbm_digits_8x8": (
        "bd9e0d5abd75a42207a46fea33b73e8e1232a8a668e77be33d2f799485097692",
        "fcfc0b93d46949ab3f6c6de1fd3899d45a77785f6dc7616d72addf8584400b30",
        "4713a789370f2bb67fb358bb3bc3d0c9330a1f154c8b0ec727d605e8f8d7b521",
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
