import math

import numpy as np
import pytest

from genzoo import metrics
from genzoo.metrics.two_sample.classifier_two_sample import fisher_mid_p


@pytest.fixture(scope="module")
def result():
    # Where nothing differs there is nothing to learn for long.
    short, long = (
        metrics.ClassifierTwoSample(hidden=(8,), epochs=epochs, capacity=200)
        for epochs in (4, 10)
    )

    def make(x, y, seed, metric=long):
        metric.reset_state()
        metric.seed = seed
        metric.update_state(x, y)
        return metric.result()

    make.short = lambda x, y, seed: make(x, y, seed, short)
    return make


def test_mid_p_of_a_small_table():
    # Called: 3 of 4 and 1 of 5; the draws of 4 rows of 9.
    weights = [math.comb(4, k) * math.comb(5, 4 - k) for k in range(5)]
    expected = (weights[3] / 2 + weights[4]) / sum(weights)
    assert fisher_mid_p((3, 1), (4, 5)) == pytest.approx(expected, rel=1e-12)
    assert fisher_mid_p((0, 0), (4, 5)) == 0.5


def test_rejects_at_the_nominal_rate_when_nothing_differs(result):
    rng = np.random.default_rng(0)
    values = [
        result.short(*rng.standard_normal((2, 200, 3)), seed)
        for seed in range(120)
    ]
    rejected = np.mean([value["p_value"] < 0.05 for value in values])
    assert abs(rejected - 0.05) < 3 * (0.05 * 0.95 / 120) ** 0.5
    # A mid p-value has the mean 1 / 2, and no more than a uniform's variance.
    p_value = np.mean([value["p_value"] for value in values])
    assert abs(p_value - 0.5) < 3 / (12 * 120) ** 0.5
    accuracy = [value["accuracy"] for value in values]
    spread = np.std(accuracy, ddof=1)
    assert np.mean(accuracy) == pytest.approx(0.5, abs=3 * spread / 120**0.5)


def test_power_for_a_shift_by_half_a_standard_deviation(result):
    rng = np.random.default_rng(1)
    values = [
        result(rng.standard_normal((200, 3)), rng.normal(0.5, 1, (200, 3)), i)
        for i in range(20)
    ]
    assert np.mean([value["p_value"] < 0.05 for value in values]) >= 0.9
    # Bayes: Phi(|shift| / 2)
    best = (1 + math.erf(0.5 * math.sqrt(3) / 2 / math.sqrt(2))) / 2
    mean = np.mean([value["accuracy"] for value in values])
    assert best - 0.05 < mean < best + 0.02


def test_refusals():
    for share in (0, 1):
        with pytest.raises(ValueError, match="test_share"):
            metrics.ClassifierTwoSample(test_share=share)
