import math

import keras
import numpy as np
import pytest

from genzoo import metrics

ANGLES = 2 * np.pi * np.arange(8) / 8
RING = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


def ring(rng, n, modes=8, sd=0.05):
    mode = rng.integers(modes, size=n)
    return RING[mode] + sd * rng.standard_normal((n, 2))


def covered(generated, real=None, **options):
    metric = metrics.ModeCoverage(RING, radius=0.15, **options)
    metric.update_state(generated if real is None else real, generated)
    return metric.result()


def test_a_ring_that_is_all_there_and_one_that_is_not():
    rng = np.random.default_rng(0)
    real, same, half = ring(rng, 5000), ring(rng, 5000), ring(rng, 5000, 4)
    found = covered(same, real)
    assert found["modes"] == 8
    # Two samples: twice the bias of one, with the spread of chi-square.
    assert found["kl"] < 2 * (7 + 4 * math.sqrt(14)) / (2 * 5000)
    within = 1 - math.exp(-4.5)
    error = math.sqrt(within * (1 - within) / 5000)
    assert found["high_quality"] == pytest.approx(within, abs=4 * error)
    found = covered(half, real, reference="uniform")
    assert found["modes"] == 4
    assert found["kl"] == pytest.approx(math.log(2), abs=0.01)


def test_share_that_makes_a_mode_reached():
    generated = np.repeat(RING[:3], [9979, 20, 1], axis=0)
    assert covered(generated)["modes"] == 2
    assert covered(generated, share=0.0)["modes"] == 3
    assert covered(generated, share=0.0021)["modes"] == 1


def test_far_samples_count_for_kl_alone():
    found = covered(3 * RING, RING)
    assert found == {"modes": 0, "kl": 0, "high_quality": 0}


def test_samples_where_the_data_have_none():
    assert covered(RING, RING[:4])["kl"] == math.inf


def test_probabilities_logits_and_labels_agree():
    rng = np.random.default_rng(1)
    logits = 4 * rng.standard_normal((500, 3)).astype("float32")
    real = logits[:200]
    softmax = metrics.ModeCoverage(classifier=keras.ops.softmax)
    raw = metrics.ModeCoverage(classifier=lambda x: 1 * x, from_logits=True)
    labels = metrics.ModeCoverage(
        classifier=lambda x: keras.ops.argmax(x, axis=1), modes=3
    )
    for metric in (softmax, raw, labels):
        metric.update_state(real, logits)
    assert softmax.result() == raw.result()
    probability = np.exp(logits)
    probability /= probability.sum(axis=1, keepdims=True)
    found = softmax.result()
    assert found["high_quality"] == (probability.max(axis=1) >= 0.9).mean()
    found.pop("high_quality")
    assert labels.result() == found
    p = np.bincount(logits.argmax(axis=1)) / 500
    q = np.bincount(real.argmax(axis=1)) / 200
    assert found == {
        "modes": 3,
        "kl": pytest.approx((p * np.log(p / q)).sum(), rel=1e-12),
    }


def test_refusals():
    with pytest.raises(ValueError, match="either centres or a classifier"):
        metrics.ModeCoverage()
    with pytest.raises(ValueError, match="radius"):
        metrics.ModeCoverage(RING)
    with pytest.raises(ValueError, match="reference"):
        metrics.ModeCoverage(RING, 0.1, reference="model")
    metric = metrics.ModeCoverage(RING, 0.1)
    with pytest.raises(ValueError, match="2 numbers each, samples 3"):
        metric.update_state(np.zeros((4, 3)), np.zeros((4, 3)))
    metric = metrics.ModeCoverage(classifier=keras.ops.abs)
    metric.update_state(np.ones((4, 3)), np.ones((4, 3)))
    with pytest.raises(ValueError, match="from_logits=True"):
        metric.result()
    metric = metrics.ModeCoverage(classifier=lambda x: x[:, 0] > 0)
    with pytest.raises(ValueError, match="modes, the number of classes"):
        metric.update_state(np.ones((4, 3)), np.ones((4, 3)))
