"""Truncated latents, paths of them, and those of given examples."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import genzoo as gz
from genzoo.models.gan.paths import between, straight, truncated, turning
from tests import gan_cases


@pytest.fixture(scope="module")
def images():
    return gan_cases.images_gan()


@pytest.fixture(scope="module")
def clusters():
    gan = gan_cases.clusters_gan()
    gan.clusters.adapt(gan_cases.spots()[0], (0, 0))
    return gan


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("most", [0.3, 1.0, 2.5])
def test_truncated_latents_are_those_drawn_until_within(most):
    z = normal(20_000, 2)
    cut = truncated(tf.constant(z), most, chooses=False).numpy()
    assert np.abs(cut).max() <= most
    law = stats.truncnorm(-most, most)
    assert stats.kstest(cut.ravel(), law.cdf).pvalue > 1e-3
    # In the order of the draws themselves.
    order = np.argsort(z[:, 0])
    assert (np.diff(cut[order, 0]) >= 0).all()
    kept = truncated(tf.constant(z), most, chooses=True).numpy()
    np.testing.assert_array_equal(kept[:, 1], z[:, 1])
    np.testing.assert_array_equal(kept[:, 0], cut[:, 0])


def test_paths_of_normal_latents_turn_evenly():
    first, last = (normal(50, 5, seed=seed) for seed in (1, 2))
    first, last = (
        3 * z / np.linalg.norm(z, axis=1, keepdims=True) for z in (first, last)
    )
    found = between(tf.constant(first), tf.constant(last), 7, turning, False)
    found = found.numpy().astype("float64")
    np.testing.assert_allclose(found[:, 0], first, atol=1e-5)
    np.testing.assert_allclose(found[:, -1], last, atol=1e-5)
    # On the sphere, each step the same angle.
    np.testing.assert_allclose(np.linalg.norm(found, axis=2), 3, rtol=1e-5)
    cosines = np.sum(found[:, 1:] * found[:, :-1], axis=2) / 9
    whole = np.arccos(np.sum(first * last, axis=1) / 9)
    np.testing.assert_allclose(
        cosines, np.cos(whole / 6)[:, None].repeat(6, 1), atol=1e-5
    )


def test_latents_in_the_middle_of_paths_are_normal():
    first, last = (tf.constant(normal(4000, 50, seed=s)) for s in (3, 4))
    middle = between(first, last, 3, turning, False)[:, 1].numpy()
    assert abs(middle.var() - 1) < 0.02
    middle = between(first, last, 3, straight, False)[:, 1].numpy()
    assert abs(middle.var() - 0.5) < 0.02


@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0, 0.0])
def test_paths_between_parallel_latents_are_straight(factor):
    first = tf.constant(normal(4, 3))
    found = between(first, factor * first, 3, turning, False).numpy()
    middle = (1 + factor) / 2 * first.numpy()
    np.testing.assert_allclose(found[:, 1], middle, atol=1e-3)


def test_paths_of_other_shapes_and_of_clusters():
    first, last = (tf.constant(normal(2, 3, 4, seed=s)) for s in (0, 1))
    found = between(first, last, 4, straight, False).numpy()
    t = np.linspace(0, 1, 4)[None, :, None, None]
    expected = (1 - t) * first[:, None] + t * last[:, None]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    first, last = first[:, :, 0], last[:, :, 0]
    found = between(first, last, 4, turning, True).numpy()
    assert (found[..., -1] == first[:, None, -1].numpy()).all()
    own = between(first[:, :-1], last[:, :-1], 4, turning, False).numpy()
    np.testing.assert_array_equal(found[..., :-1], own)


def test_paths_of_latents_made_of_normal_numbers():
    gan = gan_cases.points_gan(latent=tf.sign)
    found = gan.interpolate(6, steps=9, seed=2)
    np.testing.assert_allclose(found[:, 0], gan.sample(6, seed=2), atol=1e-6)
    # The latents are signs on the whole path: no more examples than corners.
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * 3)).reshape(3, 8).T
    among = gan.predict(corners.astype("float32"), verbose=0)
    missed = np.abs(found.reshape(-1, 1, 2) - among).max(axis=2).min(axis=1)
    assert missed.max() < 1e-5
    with pytest.raises(ValueError, match="is for latents of a normal law"):
        gan.sample(2, truncation=1.0)


def test_truncation_of_samples(images, clusters):
    for gan, told in ((images, {"labels": 1}), (clusters, {})):
        x = gan.sample(40, seed=5, **told)
        wide = gan.sample(40, seed=5, truncation=9.0, **told)
        np.testing.assert_allclose(wide, x, atol=2e-3)
        narrow = gan.sample(40, seed=5, truncation=1e-4, **told)
        assert narrow.std(axis=0).max() < x.std(axis=0).max()
    assert narrow.shape == x.shape
    # Of latents that are nearly zero, one example for each cluster.
    narrow = narrow.reshape(40, -1)
    apart = np.abs(narrow[:, None] - narrow).max(axis=2) > 0.01
    assert 1 < len(np.unique(apart, axis=0)) <= 4


def test_interpolation_begins_with_the_samples(images, clusters):
    for gan, told in ((images, {"labels": [2, 0, 1]}), (clusters, {})):
        found = gan.interpolate(3, steps=5, seed=7, **told)
        assert found.shape == (3, 5, 8, 8, 1)
        x = gan.sample(3, seed=7, **told)
        np.testing.assert_allclose(found[:, 0], x, atol=1e-6)
        again = gan.interpolate(3, steps=9, seed=7, **told)
        np.testing.assert_allclose(again[:, ::2], found, atol=1e-4)
        # Steps are smaller than the way.
        steps = np.abs(np.diff(again, axis=1)).max(axis=(1, 2, 3, 4))
        way = np.abs(again[:, -1] - again[:, 0]).max(axis=(1, 2, 3))
        assert (steps < way).all()


def test_samples_are_found_again(images, clusters):
    labels = np.arange(40) % 3
    for gan, told in ((images, {"labels": labels}), (clusters, {})):
        x = gan.sample(40, seed=1, **told)
        found = gan.invert(x, seed=2, **told)
        assert found.latents.shape == (40, *gan.latent_shape)
        z = [found.latents, labels] if told else found.latents
        again = gan.predict(z, verbose=0)
        missed = np.sqrt(np.square(again - x).mean(axis=(1, 2, 3)))
        np.testing.assert_allclose(found.errors, missed, atol=1e-5)
        # All but those that end in a cluster that is not theirs.
        share = 1.0 if told else 0.9
        assert np.mean(found.errors < 1e-3 * x.std()) >= share
    # Each example alone, and by the same seed, is found as well.
    again = gan.invert(x, seed=2)
    np.testing.assert_array_equal(again.latents, found.latents)
    first = gan.invert(x[:1], seed=2)
    # Many a last latent chooses the same cluster.
    np.testing.assert_allclose(
        first.latents[:, :-1], found.latents[:1, :-1], atol=1e-3
    )
    # More descents and longer ones are never worse.
    one = gan.invert(-x, steps=5, starts=1, seed=2)
    many = gan.invert(-x, steps=150, starts=1, seed=2)
    assert (many.errors <= one.errors + 1e-6).all()
    assert many.errors.min() > 0.1


def test_points_of_any_units_are_found():
    gan = gan_cases.points_gan(latent="uniform")
    x = np.array([1e4, 1e-3]) * gan_cases.ring() + [0, 5]
    for network in (gan.generator, gan.averaged_generator, gan.discriminator):
        for layer in network.layers:
            if isinstance(layer, gz.layers.Standardization):
                layer.adapt(x)
    given = gan.sample(40, seed=3)
    found = gan.invert(given, seed=4)
    assert np.abs(found.latents).max() <= 1
    assert np.mean(found.errors < 1e-3) >= 0.9
    # In standard deviations: one in the first column, none in the second.
    far = given + [1e7 * x.std(axis=0)[0], 0]
    found = gan.invert(far, steps=5, seed=4)
    np.testing.assert_allclose(found.errors, 1e7 / 2**0.5, rtol=1e-4)


def test_what_cannot_be_is_refused(images):
    with pytest.raises(ValueError, match="GAN.sample: truncation must be a po"):
        images.sample(2, truncation=0)
    uniform = gan_cases.points_gan(latent="uniform")
    with pytest.raises(ValueError, match="truncation=0.5 is for latents of a"):
        uniform.sample(2, truncation=0.5)
    with pytest.raises(ValueError, match="interpolate: steps must be an int"):
        images.interpolate(2, steps=1)
    with pytest.raises(ValueError, match="interpolate: n must be a positive"):
        images.interpolate(0)
    x = images.sample(2, labels=0)
    for options in ({"steps": 0}, {"starts": 0}):
        with pytest.raises(ValueError, match="must be a positive int"):
            images.invert(x, labels=[0, 1], **options)
    with pytest.raises(ValueError, match="GAN.invert: the model is condition"):
        images.invert(x)
    with pytest.raises(ValueError, match="GAN.invert"):
        images.invert(x[0], labels=[0])
