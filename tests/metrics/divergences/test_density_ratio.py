import numpy as np
import pytest

from genzoo import metrics

CENTRES = np.array([[-2.0, 0.0], [2.0, 0.0], [0.0, 2.0]])


class Mixture:
    """Three round Gaussians of standard deviation 1 in the plane."""

    def __init__(self, weights):
        self.weights = np.array(weights)

    def sample(self, n, seed):
        rng = np.random.default_rng(seed)
        mode = rng.choice(3, size=n, p=self.weights)
        return CENTRES[mode] + rng.standard_normal((n, 2))

    def log_prob(self, x):
        square = np.square(x[:, None] - CENTRES).sum(axis=2)
        return np.log(np.exp(-square / 2) @ self.weights / (2 * np.pi))


MODEL, DATA = Mixture([0.75, 0.2, 0.05]), Mixture([0.1, 0.3, 0.6])


def test_reverse_kl_of_mixtures():
    truth = metrics.model_kl_divergence(MODEL, DATA, 400_000).value
    data = DATA.sample(5000, seed=1)
    found = metrics.reverse_kl(MODEL, data, seed=2, epochs=40)
    assert found.value == pytest.approx(truth, rel=0.1)
    assert found.value == pytest.approx(truth, abs=3 * found.stderr)
    assert found.normalization == pytest.approx(1, abs=0.1)


def test_equal_distributions():
    x, y = DATA.sample(1000, 3), DATA.sample(600, 4)
    found = metrics.density_ratio_kl(x, y, epochs=10)
    assert abs(found.value) < 0.03


def test_the_seed_decides():
    data = DATA.sample(300, seed=1)
    found, again, other = (
        metrics.reverse_kl(MODEL, data, seed=seed, epochs=2)
        for seed in (2, 2, 3)
    )
    assert found == again
    assert found.value != other.value


def test_refusals():
    x = DATA.sample(30, 0)
    with pytest.raises(ValueError, match="folds=10 must be"):
        metrics.density_ratio_kl(x, x, folds=10)
    with pytest.raises(ValueError, match="same shape"):
        metrics.density_ratio_kl(x, x[:, :1])
    with pytest.raises(ValueError, match="y must be finite"):
        metrics.density_ratio_kl(x, np.full_like(x, np.nan))
    with pytest.raises(ValueError, match="must have sample.* density_ratio_kl"):
        metrics.reverse_kl(x, x)
