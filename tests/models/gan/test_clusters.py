"""Self-conditioned models: clusters of the data stand in for labels."""

import math

import gan_cases
import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.models.gan import clusters as module
from genzoo.models.gan.clusters import Clusters
from genzoo.runtime import random

images, _ = gan_cases.spots()


def blobs():
    """Points around three places, 10, 20 and 30 of them."""
    rng = np.random.default_rng(3)
    places = np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], [10, 20, 30], 0)
    return (places + rng.uniform(-1, 1, (60, 2))).astype("float32")


def sorted_by_share(clusters):
    order = np.argsort(clusters.shares.numpy())
    return clusters.shares.numpy()[order], clusters.centres.numpy()[order]


def test_separate_groups_are_found():
    x = blobs()
    means = [x[:10].mean(0), x[10:30].mean(0), x[30:].mean(0)]
    # From some starts, Lloyd's algorithm divides one group and joins two.
    found = 0
    for key in range(20):
        clusters = Clusters(3, (2,))
        assert not clusters.is_adapted
        clusters.adapt(x, (key, 0))
        assert clusters.is_adapted
        shares, centres = sorted_by_share(clusters)
        if np.allclose(shares, [1 / 6, 1 / 3, 1 / 2]):
            np.testing.assert_allclose(centres, means, atol=1e-5)
            found += 1
    assert found > 10


def test_each_centre_is_the_mean_of_what_is_nearest():
    x = np.random.default_rng(0).normal(size=(500, 3, 2)).astype("float32")
    clusters = Clusters(7, (3, 2))
    clusters.adapt(x, (1, 2))
    centres = clusters.centres.numpy().reshape(7, 3, 2)
    squares = np.square(x[:, None] - centres).sum((2, 3))
    nearest = squares.argmin(1)
    np.testing.assert_array_equal(clusters.nearest(x), nearest)
    np.testing.assert_allclose(
        clusters.shares, np.bincount(nearest, minlength=7) / 500, rtol=1e-6
    )
    for cluster, centre in enumerate(centres):
        np.testing.assert_allclose(
            centre, x[nearest == cluster].mean(0), atol=1e-5
        )
    again, other = Clusters(7, (3, 2)), Clusters(7, (3, 2))
    again.adapt(x, (1, 2))
    np.testing.assert_array_equal(again.centres, clusters.centres)
    other.adapt(x, (1, 3))
    assert (other.centres.numpy() != clusters.centres.numpy()).any()


def test_clusters_that_begin_at_the_same_point():
    x = np.repeat([[0.0], [5.0], [7.0]], [50, 2, 1], axis=0)
    for key in range(5):
        clusters = Clusters(3, (1,))
        clusters.adapt(x, (key, 0))
        shares, centres = sorted_by_share(clusters)
        np.testing.assert_allclose(shares, np.array([1, 2, 50]) / 53)
        np.testing.assert_allclose(centres[:, 0], [7, 5, 0])


def test_no_more_examples_than_memory_holds(monkeypatch):
    x = np.arange(40, dtype="float32")[:, None] % 20
    monkeypatch.setattr(module, "_MOST_NUMBERS", 15)
    for data in (x, tf.data.Dataset.from_tensor_slices(x).batch(10)):
        clusters = Clusters(3, (1,))
        clusters.adapt(data, (0, 1))
        counts = 15 * clusters.shares.numpy()
        np.testing.assert_allclose(counts, np.round(counts), atol=1e-5)
        np.testing.assert_allclose(counts.sum(), 15, rtol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_sorted_datasets_are_looked_at_as_a_whole(monkeypatch, weighted):
    """The rows of the smallest random numbers, by sorting all of them."""
    x = np.repeat(np.arange(8.0, dtype="float32"), 50)[:, None]
    monkeypatch.setattr(module, "_MOST_NUMBERS", 100)
    weight = np.linspace(1, 2, 400).astype("float32")
    key, found = (3, 1), []
    for rows in (7, 100, 400):
        parts = {"x": x, "weight": weight} if weighted else x
        data = tf.data.Dataset.from_tensor_slices(parts).batch(rows)
        points, weights = module._reservoir(data, key, None, 100)
        lots = random.uniform((400,), random.fold_in(random.as_seed(key), 0))
        chosen = np.sort(np.argsort(lots)[:100])
        np.testing.assert_array_equal(points, x[chosen])
        assert (weights is not None) == weighted
        if weighted:
            np.testing.assert_array_equal(weights, weight[chosen])
        clusters = Clusters(8, (1,))
        clusters.adapt(data, key)
        found.append((clusters.centres.numpy(), clusters.shares.numpy()))
    for centres, shares in found:
        np.testing.assert_array_equal(np.sort(centres[:, 0]), np.arange(8))
        # A share of 1/8 has a standard error of 0.03.
        assert 0.02 < shares.min()
        assert shares.max() < 0.25
        np.testing.assert_array_equal(centres, found[0][0])
    # The first steps alone, where more are not asked for.
    points, _ = module._reservoir(data.unbatch().batch(10), key, 12, 100)
    assert points.max() == x[:120].max()


# With shares of 1/4, 0, 1/2 and 1/4; a normal has its quartiles at 0.67449.
CHOSEN = {
    "uniform": [
        (-1.0, 0),
        (-0.51, 0),
        (-0.5, 2),
        (0.49, 2),
        (0.5, 3),
        (0.9, 3),
    ],
    "normal": [(-9.0, 0), (-0.675, 0), (-0.674, 2), (0.674, 2), (0.675, 3)],
}


@pytest.mark.parametrize("latent", CHOSEN)
def test_latents_choose_by_shares(latent):
    clusters = Clusters(4, (1,))
    z, expected = map(np.array, zip(*CHOSEN[latent], strict=True))
    # Rounded, as in a file of half precision, they need not add up to one.
    for total in (1.0, 0.5):
        clusters.shares.assign(total * np.array([0.25, 0.0, 0.5, 0.25]))
        found = clusters.chosen(z.astype("float32"), latent)
        np.testing.assert_array_equal(found, expected)
    clusters.shares.assign([0.0, 1.0, 0.0, 0.0])
    assert (clusters.chosen(z.astype("float32"), latent).numpy() == 1).all()


@pytest.fixture(scope="module")
def trained():
    """(a model, the conditions that D saw in each call)."""
    gan = gan_cases.clusters_gan(run_eagerly=True)
    critic = gan.game.critic
    seen, judge = [], critic.judge

    def watched(x, condition, training):
        seen.append((x.numpy(), condition[0].numpy()))
        return judge(x, condition, training)

    critic.judge = watched
    gan.fit(images, batch_size=96, shuffle=False, verbose=0)
    del critic.judge
    return gan, seen


def test_data_and_fakes_are_of_the_clusters_of_the_data(trained):
    gan, seen = trained
    nearest = gan.clusters.nearest(images).numpy()
    assert len(np.unique(nearest)) == 4
    both = [labels for x, labels in seen if len(x) == 192]
    alone = [labels for x, labels in seen if len(x) == 96]
    assert both
    assert alone
    for labels in both:
        np.testing.assert_array_equal(labels, np.tile(nearest, 2))
    for labels in alone:
        np.testing.assert_array_equal(labels, nearest)


@pytest.mark.parametrize("latent", ["normal", "uniform"])
def test_last_latent_chooses_the_cluster(trained, latent):
    gan = gz.GAN.from_config({**trained[0].get_config(), "latent": latent})
    gan.set_weights(trained[0].get_weights())
    z = gan._sampler.latents(300, random.as_seed(5)).numpy()
    samples = gan.sample(300, seed=5)
    predicted = gan.predict(z, verbose=0)
    assert z.shape == (300, 4)
    if latent == "normal":
        quantile = [(1 + math.erf(v / math.sqrt(2))) / 2 for v in z[:, -1]]
    else:
        quantile = (1 + z[:, -1]) / 2
    ends = np.cumsum(gan.clusters.shares.numpy())
    cluster = np.searchsorted(ends, quantile, side="right")
    counts = np.bincount(cluster, minlength=4) / 300
    np.testing.assert_allclose(counts, gan.clusters.shares, atol=0.12)
    expected = gan.averaged_generator([z[:, :-1], cluster.astype("int32")])
    np.testing.assert_allclose(samples, expected, atol=1e-6)
    np.testing.assert_allclose(predicted, expected, atol=1e-6)


def test_scores_are_of_the_nearest_cluster(trained):
    gan, _ = trained
    labels = gan.clusters.nearest(images)
    expected = gan.discriminator([tf.constant(images), labels])[:, 0]
    np.testing.assert_allclose(gan.score(images), expected, atol=1e-5)


def test_clusters_stay_once_they_are_found(trained):
    gan, _ = trained
    before = gan.clusters.centres.numpy()
    gan.fit(images[:20], verbose=0)
    np.testing.assert_array_equal(gan.clusters.centres, before)


def test_clusters_of_a_dataset_are_those_of_its_first_steps():
    dataset = tf.data.Dataset.from_tensor_slices(images).batch(16)
    gan = gan_cases.clusters_gan()
    gan.fit(dataset.repeat(), steps_per_epoch=3, verbose=0)
    expected = Clusters(4, (8, 8, 1))
    expected.adapt(images[:48], gan.draws.seed)
    np.testing.assert_array_equal(gan.clusters.centres, expected.centres)
    np.testing.assert_array_equal(gan.clusters.shares, expected.shares)


def test_pictures_need_no_labels(trained, tmp_path):
    gan, _ = trained
    grid = gz.callbacks.SampleGrid(tmp_path, rows=2, columns=3)
    gan.fit(images, verbose=0, callbacks=[grid])
    assert len(list(tmp_path.glob("*.png"))) == 1


def test_half_precision_keeps_the_clusters_whole():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        gan = gan_cases.clusters_gan()
    finally:
        keras.config.set_dtype_policy(before)
    gan.fit(images, verbose=0)
    assert gan.clusters.centres.dtype == "float32"
    assert gan.predict(np.zeros((2, 4)), verbose=0).dtype == "float32"
