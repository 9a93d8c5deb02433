import numpy as np
import pytest
import tensorflow as tf

from genzoo import metrics
from genzoo.metrics.two_sample.kept_samples_metric import KeptSamplesMetric


def kept(x, capacity, sizes=(), seed=0, y=None):
    metric = KeptSamplesMetric(capacity=capacity, seed=seed)
    for part in np.split(np.arange(len(x)), np.cumsum(sizes, dtype=int)):
        metric.update_state(x[part], (x if y is None else y)[part])
    return metric.samples()


def test_all_rows_up_to_the_capacity_in_their_order():
    x = np.random.default_rng(0).standard_normal((20, 2, 3))
    for capacity in (20, 50):
        real, generated = kept(x, capacity, (3, 1))
        np.testing.assert_array_equal(real, x.reshape(20, 6))
        np.testing.assert_array_equal(generated, x.reshape(20, 6))


def test_the_subset_is_the_same_for_all_batchings():
    x = np.arange(200.0).reshape(200, 1)
    expected = kept(x, 7)
    for sizes in ((1, 5, 2), (100,), (3,) * 60):
        for found, rows in zip(kept(x, 7, sizes), expected, strict=True):
            np.testing.assert_array_equal(found, rows)
    assert (expected[0] != expected[1]).any()
    assert (expected[0] != kept(x, 7, seed=1)[0]).any()


def test_every_row_is_kept_equally_often():
    x = np.arange(12.0).reshape(12, 1)
    rounds = 160
    hits = np.zeros(12)
    metric = KeptSamplesMetric(capacity=3)
    for seed in range(rounds // 2):
        metric.seed = seed
        metric.reset_state()
        for part in (slice(0, 5), slice(5, 12)):
            metric.update_state(x[part], x[part])
        for rows in metric.samples():
            assert len(set(rows[:, 0])) == 3
            hits[rows[:, 0].astype(int)] += 1
    expected = rounds * 3 / 12
    variance = rounds * 0.25 * 0.75
    # Sums to a constant: 11 degrees of freedom, with this factor.
    chi_square = np.sum((hits - expected) ** 2) / variance * 11 / 12
    assert chi_square < 11 + 4 * np.sqrt(22)


def test_two_replicas_keep_the_rows_of_one(two):
    # The last batch is one row: none for the second replica.
    x = np.arange(1.0, 92.0).reshape(91, 1)
    metric = KeptSamplesMetric(capacity=8)

    @tf.function
    def step(rows):
        two.run(lambda part: metric.update_state(part, -part), args=(rows,))

    dataset = tf.data.Dataset.from_tensor_slices(x).batch(45)
    for rows in two.experimental_distribute_dataset(dataset):
        step(rows)
    real, generated = kept(x, 8, y=-x)
    found = metric.samples()
    np.testing.assert_array_equal(found[0], real)
    np.testing.assert_array_equal(found[1], generated)


def test_samples_may_differ_in_number():
    rng = np.random.default_rng(0)
    metric = metrics.SlicedWasserstein(capacity=50)
    metric.update_state(rng.random((10, 2)), rng.random((60, 2)))
    assert [len(x) for x in metric.samples()] == [10, 50]
    assert metric.result()["value"] > 0


def test_refusals():
    for capacity in (0, -1, 2.5):
        with pytest.raises(ValueError, match="capacity must be a positive"):
            KeptSamplesMetric(capacity=capacity)
    with pytest.raises(ValueError, match="seed must be"):
        KeptSamplesMetric(seed="one")
    metric = KeptSamplesMetric(capacity=10**9)
    with pytest.raises(ValueError, match="capacity=2000000000 needs"):
        metric.update_state(np.zeros((1, 100)), np.zeros((1, 100)))
