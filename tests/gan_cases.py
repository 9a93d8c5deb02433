"""Tiny adversarial networks and data for them."""

import keras
import numpy as np

import genzoo as gz


def ring(n=96):
    """Points around eight places on a circle, float32, (n, 2)."""
    rng = np.random.default_rng(4)
    angle = rng.integers(8, size=n) * np.pi / 4
    places = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return (places + 0.05 * rng.normal(size=(n, 2))).astype("float32")


def spots(n=96):
    """(images of 8 x 8 in [-1, 1], labels 0 to 2): where the spot is."""
    rng = np.random.default_rng(5)
    labels = rng.integers(3, size=n).astype("int64")
    images = rng.uniform(-1, -0.5, (n, 8, 8, 1)).astype("float32")
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 3, 2:6] += 1.5
    return images, labels


def constant():
    """The default optimizer, at a rate that does not fall over a fit."""
    return keras.optimizers.Adam(2e-3, beta_1=0.0, beta_2=0.99)


def points_gan(
    loss="non_saturating",
    penalties=None,
    optimizer="adam",
    seed=3,
    networks=None,
    compiling=None,
    **options,
):
    """A compiled GAN of points in the plane, 2 x 8 units."""
    # Their first weights follow from the seed.
    keras.utils.set_random_seed(abs(hash(seed)) % 1000)
    pair = gz.networks.mlp(3, 2, width=8, depth=1, **(networks or {}))
    gan = gz.GAN(*pair, seed=seed, **options)
    gan.compile(optimizer, loss=loss, penalties=penalties, **(compiling or {}))
    return gan


def images_gan(seed=3, conditioning="projection", compiling=None, **options):
    """A compiled conditional GAN of `spots`."""
    keras.utils.set_random_seed(seed)
    pair = gz.networks.dcgan(
        3, (8, 8, 1), width=2, classes=3, conditioning=conditioning
    )
    gan = gz.GAN(*pair, seed=seed, **options)
    gan.compile(**{"optimizer": constant(), **(compiling or {})})
    return gan


def clusters_gan(seed=3, **options):
    """A compiled self-conditioned GAN of the images of `spots`."""
    keras.utils.set_random_seed(seed)
    pair = gz.networks.dcgan(3, (8, 8, 1), width=2, classes=4)
    gan = gz.GAN(*pair, self_conditioned=True, seed=seed)
    gan.compile(**{"optimizer": constant(), **options})
    return gan


def float16_gan(seed=3):
    """One with all that has a state: augmentation, scaled losses, packs."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        augmentation = gz.layers.Augmentation(target=0.6, speed=1.0)
        return images_gan(seed, "auxiliary", augmentation=augmentation)
    finally:
        keras.config.set_dtype_policy(before)
