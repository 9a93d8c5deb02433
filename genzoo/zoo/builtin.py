"""The presets that come with genzoo, and what their files must hash to."""

from pathlib import Path

from genzoo.zoo.files import CONFIG, METADATA, WEIGHTS

# SHA-256 of config.json, metadata.json and model.weights.h5;
# `python -m genzoo.zoo hash FOLDER` prints a row.
_HASHES = {
    "boltzmann_digits_8x8": (
        "0452856344476ba94c7fd480d9a4fa5c9e12aef9b704010eb515c8f51dbf5895",
        "a397e27e67ac838086f82a73efeb28c64c2ac9a01838ba49dfcc0ab0886b41cb",
        "d00ee2e05a024657467effe750e138dda260fc6ca8cd44c1e1f717f93d9cc45b",
    ),
    "digit_features": (
        "547fb62f3f3deb1a17b3a3c5983f8364d98f690d24e4225d9c9a11f82ddaa97d",
        "a304fb40d2e83ec3f400e7428437456b67ed1dc9eee968269b39165408b267aa",
        "7f84faca340438b14d13aa4a04799d1a0b1ca8de7d7622b6ebd3e1b2ccf75eed",
    ),
    "gan_events": (
        "7ffbc92ca10a2bdc6317db230c51231337199e030a142991b8eab44457d845d0",
        "ba6fdca58631ee2a73e6ccb71dfc8468a5409e8952b45614d1908ce637d6ff7a",
        "f8de5749b102d9812f16e6f9323e400d4711d949aa79cb97525d18697790f537",
    ),
    "gan_grid": (
        "b632a14facdc941ed62e318335e7855eef8f83ba42a84503edda829de034da96",
        "9b27a6845a5022e65b9c9ddc09158aac4f92df924c5822f66bad218e1a7eb5df",
        "2c8021867338ec5f9d110308c3c8df082e9c4209c1197694dbc10c9749c914f8",
    ),
    "gan_mnist": (
        "910818290d5aa1f221e1ef821a356d083e458d6ff4129d6da839a6a493c93949",
        "1f912031b409bb65f0e6e22a145dd0d35ba20f98813b5c1268a7c9428dd96752",
        "3f308fd2d8ddff4097689552637a0c1b922fb0051b4c53bd7629b4742bb44146",
    ),
    "gan_mnist_conditional": (
        "d9fb190313202f994822a79f36b72c602a6fcec198828ff31999d2ee36f0b091",
        "33c9c5711359110c16161cf702cef6ece241aedae5e23bbeda9079da62e4117c",
        "1239e6c64a3146b608c4773872739b6df3ca9d05a12d204c73aa1c1cf0a0fe10",
    ),
    "gan_ring": (
        "b632a14facdc941ed62e318335e7855eef8f83ba42a84503edda829de034da96",
        "b648b0f0159ac70232d548e747ada2a2493205b767bbe52b427e5aa364126789",
        "eca7ad8c4014db34b28e4ed081f3aa038411e3fd8065ae806293f3d4e9c25948",
    ),
    "gaussian_rbm_patches": (
        "462ab4bfaa4e1ecb01ec0ac81d64e471b6059acd83d10e60451f336ca2fceb8d",
        "aa2c1605170c871817a78d3019af611b6abca45d4a8023a5c61c4f1487472e35",
        "861d27177c01d927876d3e2fbb278b181851b7e0285d718a35e28d25ba5f882f",
    ),
    "ising_maxent_16_critical": (
        "ae64e80de3768f57934e070cb65a97eb9a4761edab4aa0ef56b91704a1419005",
        "3d411042fd1fda6488d0b763b10c5d81e6748ca44ad39e694fb4b2a9e9da2490",
        "577d341e0a8ff9cc97452a9e430b354b422538ca83338ecc88aed78e30eb7960",
    ),
    "ising_rbm_16_critical": (
        "f06195546cf05f9417840507a35d51d57aa1995b837c64fd82289cecce621dfb",
        "2171de2bede0e9f5778111079ebe3b591621d739fa7ac60eabdb40242024c745",
        "6ebc853f3f6d1bbece43f1d8281baf9e7abbbe35cb7e8be91b3f9e8612350c7c",
    ),
    "ising_rbm_16_disordered": (
        "f06195546cf05f9417840507a35d51d57aa1995b837c64fd82289cecce621dfb",
        "b00a9f76a5cd2cc32179d585a78ab54d21d70eade67e7a54152f56ad4b3bfb15",
        "0eb99d3c6f2743335f559e6de6183f4cd44c424e5bf8f2b01e0c0362bf8c8c60",
    ),
    "ising_rbm_16_ordered": (
        "f06195546cf05f9417840507a35d51d57aa1995b837c64fd82289cecce621dfb",
        "12d92b7ed98d23d812ef77df59809edf690f3b11972bdcb9b0665f56a11ea9da",
        "69b656da3c4c02980515c27ffdbb259c6cdb75971cb2a87ed56796d9bb90e405",
    ),
    "rbm_digits_8x8": (
        "bd9e0d5abd75a42207a46fea33b73e8e1232a8a668e77be33d2f799485097692",
        "fcfc0b93d46949ab3f6c6de1fd3899d45a77785f6dc7616d72addf8584400b30",
        "4713a789370f2bb67fb358bb3bc3d0c9330a1f154c8b0ec727d605e8f8d7b521",
    ),
    "rbm_mnist_500": (
        "47656b823f5f3db828dde8a233308ead51408298016236ecb225e4994b361770",
        "3ba9fb55cb6f4394d8391c57470d0dc7d9efaeec64b2477718227141683de84b",
        "ba11c3287303b2109d15d05d21025b9e9c334ccdef505b5510f4a727b67072f7",
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
