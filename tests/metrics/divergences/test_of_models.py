import math
from typing import NamedTuple

import numpy as np
import pytest

import genzoo as gz
from genzoo import metrics


class Gaussian(NamedTuple):
    mean: float
    sd: float

    def sample(self, n, seed):
        rng = np.random.default_rng(seed)
        return rng.normal(self.mean, self.sd, (n, 1))

    def log_prob(self, x):
        z = (x[:, 0] - self.mean) / self.sd
        return -(z**2) / 2 - math.log(self.sd * math.sqrt(2 * math.pi))

    def kl(self, other):
        ratio = self.sd / other.sd
        shift = (self.mean - other.mean) / other.sd
        return (ratio**2 + shift**2 - 1) / 2 - math.log(ratio)


class Poisson(NamedTuple):
    mean: float

    def sample(self, n, seed):
        return np.random.default_rng(seed).poisson(self.mean, (n, 1))

    def log_prob(self, x):
        log_factorial = np.array([math.lgamma(k + 1) for k in x[:, 0]])
        return x[:, 0] * math.log(self.mean) - self.mean - log_factorial

    def kl(self, other):
        ratio = self.mean / other.mean
        return self.mean * math.log(ratio) - self.mean + other.mean


GAUSSIANS = Gaussian(0.0, 1.0), Gaussian(0.7, 1.3)
POISSONS = Poisson(3.0), Poisson(4.5)


def finite(models, x):
    """Probabilities of the models on a fine grid or on all numbers."""
    weights = [np.exp(model.log_prob(x)) for model in models]
    return [w / w.sum() for w in weights]


EXACT = {
    "gaussian": (GAUSSIANS, np.linspace(-12, 14, 50_001)[:, None]),
    "poisson": (POISSONS, np.arange(200)[:, None]),
}


def within_errors(estimate, truth, seeds=20):
    """Within 3 standard errors for at least 19 of 20 seeds."""
    found = [estimate(seed) for seed in range(seeds)]
    near = sum(abs(e.value - truth) <= 3 * e.stderr for e in found)
    return near >= 19 and np.mean([e.stderr for e in found]) < 0.1 * truth


@pytest.mark.parametrize("name", EXACT)
def test_models_in_closed_form(name):
    (p, q), x = EXACT[name]
    tables = finite((p, q), x)
    kl = metrics.model_kl_divergence
    assert within_errors(lambda seed: kl(p, q, 4000, seed), p.kl(q))
    assert within_errors(lambda seed: kl(q, p, 4000, seed), q.kl(p))
    assert metrics.kl_divergence(*tables) == pytest.approx(p.kl(q), abs=1e-10)
    for estimate, exact in (
        (metrics.model_jensen_shannon, metrics.jensen_shannon),
        (metrics.model_total_variation, metrics.total_variation),
    ):
        truth = exact(*tables)
        assert within_errors(lambda s, f=estimate: f(p, q, 4000, s), truth)


@pytest.mark.parametrize("name", EXACT)
def test_samples_by_bins(name):
    (p, q), x = EXACT[name]
    tables = finite((p, q), x)
    for divergence, truth in (
        ("kl", p.kl(q)),
        ("jensen_shannon", metrics.jensen_shannon(*tables)),
        ("total_variation", metrics.total_variation(*tables)),
    ):

        def estimate(seed, divergence=divergence):
            x, y = p.sample(4000, seed), q.sample(4000, 100 + seed)
            return metrics.binned_divergence(x, y, divergence, bootstrap=60)

        assert within_errors(estimate, truth), divergence
    x, y = p.sample(4000, 0), q.sample(4000, 1)
    found = metrics.binned_divergence(y, x, "reverse_kl", seed=2)
    assert found.value == metrics.binned_divergence(x, y, "kl").value


@pytest.fixture(scope="module")
def rbms():
    models = []
    for seed in (0, 1):
        rbm = gz.RBM(
            gz.units.Bernoulli(6),
            gz.units.Bernoulli(4),
            kernel_initializer="zeros",
            seed=seed,
        )
        rng = np.random.default_rng(seed)
        rbm.adapt(rng.integers(0, 2, (20, 6)).astype("uint8"))
        rbm.kernel.assign(rng.standard_normal((6, 4)))
        models.append(rbm)
    return models


def table(rbm):
    states = (np.arange(64)[:, None] >> np.arange(6)) & 1
    return np.exp(np.asarray(rbm.log_prob(states), np.float64))


def test_two_rbms_by_enumeration(rbms):
    p, q = rbms
    tables = [table(rbm) for rbm in rbms]
    for estimate, exact in (
        (metrics.model_kl_divergence, metrics.kl_divergence),
        (metrics.model_jensen_shannon, metrics.jensen_shannon),
        (metrics.model_total_variation, metrics.total_variation),
    ):
        found = estimate(p, q, 4000, seed=3)
        assert found.value == pytest.approx(
            exact(*tables), abs=3 * found.stderr
        )


def test_decomposition_of_an_rbm(rbms):
    model, other = rbms
    x = np.asarray(other.sample(6000, seed=1))
    found = metrics.log_likelihood_decomposition(model, x, n=20_000, seed=0)
    p, q = table(other), table(model)
    for estimate, truth in (
        (found.entropy, metrics.entropy(p)),
        (found.kl, metrics.kl_divergence(p, q)),
        (found.log_likelihood, np.sum(p * np.log(q))),
        (found.gap, 0.0),
    ):
        assert estimate.value == pytest.approx(truth, abs=4 * estimate.stderr)
    assert found.gap.stderr < 0.05


def test_decomposition_of_a_density():
    p, q = GAUSSIANS
    found = metrics.log_likelihood_decomposition(q, p.sample(2000, 5), seed=0)
    entropy = math.log(math.sqrt(2 * math.pi * math.e))
    for estimate, truth in (
        (found.entropy, entropy),
        (found.kl, p.kl(q)),
        (found.log_likelihood, -entropy - p.kl(q)),
        (found.gap, 0.0),
    ):
        assert estimate.value == pytest.approx(truth, abs=4 * estimate.stderr)


def test_decomposition_sees_a_wrong_log_z():
    class Wrong(Gaussian):
        def log_prob(self, x):
            return super().log_prob(x) + 0.5

    x = GAUSSIANS[0].sample(2000, 5)
    gap = metrics.log_likelihood_decomposition(Wrong(0.7, 1.3), x).gap
    assert gap.value == pytest.approx(0.5, abs=4 * gap.stderr)
    assert gap.value > 5 * gap.stderr


def test_support_and_refusals():
    class Half(Gaussian):
        def log_prob(self, x):
            inside = super().log_prob(x) + math.log(2)
            return np.where(x[:, 0] > self.mean, inside, -np.inf)

    full, half = Gaussian(0.0, 1.0), Half(0.0, 1.0)
    found = metrics.model_kl_divergence(full, half, 100)
    assert found == (math.inf, math.inf)
    # All of the half is in the full: TV = 1/2.
    found = metrics.model_total_variation(full, half, 1000)
    # (No sample of `half` lies where it has no density.)
    assert 0 < found.value < 1
    with pytest.raises(ValueError, match="n must be"):
        metrics.model_kl_divergence(full, half, 1)
    with pytest.raises(ValueError, match="seed"):
        metrics.model_kl_divergence(full, half, 10, seed=0.5)

    class Broken(Gaussian):
        def log_prob(self, x):
            return np.full(len(x), np.nan)

    with pytest.raises(ValueError, match="Broken.log_prob gives NaN"):
        metrics.model_kl_divergence(full, Broken(0.0, 1.0), 10)
    x = np.random.default_rng(0).integers(0, 100, (100, 1)).astype(float)
    with pytest.raises(ValueError, match="too many to estimate"):
        metrics.log_likelihood_decomposition(full, x)


def spins(n, scale, seed):
    machine = gz.BoltzmannMachine(gz.spaces.Spin(n))
    rng = np.random.default_rng(seed)
    upper = np.triu(scale * rng.standard_normal((n, n)), 1)
    machine.set_parameters(scale * rng.standard_normal(n), upper + upper.T)
    return machine


class Shifted:
    """A model whose log Z is wrong."""

    def __init__(self, model, by):
        self.model, self.by = model, by
        self.space, self.sample = model.space, model.sample

    def log_prob(self, x):
        return self.model.log_prob(x) + self.by


@pytest.mark.parametrize(("n", "rows"), [(16, 8000), (10, 1500)])
def test_decomposition_of_many_states(n, rows):
    data, model = spins(n, 0.35, 0), spins(n, 0.25, 0)
    states = data.space.states()
    p, log_q = data.prob(states), model.log_prob(states)
    x = data.sample(rows, seed=1)
    found = metrics.log_likelihood_decomposition(model, x, bootstrap=50)
    entropy = -np.sum(p * np.log(p))
    for estimate, truth in (
        (found.entropy, entropy),
        (found.kl, -entropy - p @ log_q),
        (found.log_likelihood, p @ log_q),
        (found.gap, 0.0),
    ):
        assert estimate.value == pytest.approx(truth, abs=4 * estimate.stderr)
        assert estimate.stderr < 0.3
    wrong = metrics.log_likelihood_decomposition(
        Shifted(model, 0.3), x, n=8000, bootstrap=50
    )
    assert wrong.gap.value == pytest.approx(0.3, abs=4 * wrong.gap.stderr)
    assert wrong.gap.stderr < 0.06
    assert wrong.kl.value == pytest.approx(found.kl.value, abs=0.3)


def test_decomposition_of_rows_that_all_differ():
    """Of pixels, as of digits, the entropy is not to be had, and it is said."""
    rng = np.random.default_rng(0)
    x = (rng.random((300, 64)) < rng.random(64)).astype("float32")
    rbm = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(4))
    rbm.adapt(x)
    with pytest.warns(UserWarning, match="rows of x were seen once"):
        found = metrics.log_likelihood_decomposition(rbm, x, bootstrap=20)
    assert found.entropy.value == pytest.approx(np.log(300))
    total = found.log_likelihood.value + found.entropy.value + found.kl.value
    assert total == pytest.approx(0, abs=1e-9)
    assert found.log_likelihood.value == pytest.approx(rbm.log_prob(x).mean())
    assert math.isnan(found.gap.value)


def test_models_without_a_likelihood_are_named():
    class Generator:
        def sample(self, n, seed):
            return np.zeros((n, 1))

    x = np.zeros((10, 1))
    with pytest.raises(ValueError, match="Generator has no log_prob"):
        metrics.log_likelihood_decomposition(Generator(), x)
    with pytest.raises(ValueError, match="Generator has no log_prob"):
        metrics.model_kl_divergence(Generator(), GAUSSIANS[0], 10)
