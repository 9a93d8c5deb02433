"""RBMs of units in [0, 1], of counts and of two-sided reals."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import assert_chi_square

import genzoo as gz

units = gz.units
NEW = {
    "unit interval": units.UnitInterval,
    "binomial": lambda n, **kw: units.Binomial(n, trials=3, **kw),
    "poisson": units.Poisson,
    "double relu": units.DoubleReLU,
}
OLD = {
    "bernoulli": units.Bernoulli,
    "spin": units.Spin,
    "categorical": lambda n, **kw: units.Categorical(n, states=3, **kw),
    "gaussian": units.Gaussian,
    "relu": units.ReLU,
}
ALL = {**NEW, **OLD}
UNBOUNDED = {"poisson", "double relu", "gaussian", "relu"}
PAIRS = [(a, b) for a, b in itertools.product(ALL, ALL) if {a, b} & NEW.keys()]


def values(name):
    """Values of one unit, (count, depth), and log-weights of sums over them."""
    nodes, w = np.polynomial.legendre.leggauss(80)
    if name == "categorical":
        return np.eye(3), np.zeros(3)
    if name in ("bernoulli", "spin", "binomial", "poisson"):
        line = {
            "bernoulli": [0.0, 1.0],
            "spin": [-1.0, 1.0],
            "binomial": np.arange(4.0),
            "poisson": np.arange(400.0),
        }[name]
        base = {
            "binomial": [math.log(math.comb(3, int(x) % 4)) for x in line],
            "poisson": [-math.lgamma(abs(x) + 1) for x in line],
        }.get(name, np.zeros(len(line)))
        return np.array(line)[:, None], np.array(base)
    pieces = {
        "unit interval": [(0.0, 1.0)],
        "relu": [(0.0, 20.0)],
    }.get(name, [(-20.0, 0.0), (0.0, 20.0)])
    x = [low + (high - low) / 2 * (nodes + 1) for low, high in pieces]
    log_w = [np.log((high - low) / 2 * w) for low, high in pieces]
    return np.concatenate(x)[:, None], np.concatenate(log_w)


def potentials(name, unit, x):
    """a of each value for each unit, (count, size), by the paper's formula."""
    bias = unit.bias.numpy().reshape(unit.size, -1)
    a, z = x @ bias.T, x[:, :1]
    if name == "gaussian":
        a = a - 0.5 * np.exp(unit.log_precision.numpy()) * z**2
    if name == "relu":
        a = a - 0.5 * z**2
    if name == "double relu":
        above = np.exp(unit.log_positive.numpy())
        below = np.exp(unit.log_negative.numpy())
        a = a - unit.kink.numpy() * abs(z)
        a = a - 0.5 * np.where(z > 0, above, below) * z**2
    return a


def log_sum(a, axis):
    return np.logaddexp.reduce(a, axis=axis)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_log_prob_is_that_of_sums_over_all(one, other):
    pair = ALL[one](2, dtype="float64"), ALL[other](1, dtype="float64")
    if {one, other} <= UNBOUNDED:
        with pytest.raises(ValueError, match="cannot be normalised.*bounded"):
            gz.RBM(*pair)
        return
    rbm = gz.RBM(*pair, seed=0, dtype="float64")
    rng = np.random.default_rng(PAIRS.index((one, other)))
    for weight in rbm.parameters:
        weight.assign(0.5 * rng.normal(size=weight.shape))
    (xv, wv), (xh, wh) = values(one), values(other)
    depth = xv.shape[1]
    kernel = rbm.kernel.numpy()
    fields = [xv @ kernel[i * depth : (i + 1) * depth] @ xh.T for i in range(2)]
    of_v = potentials(one, rbm.visible, xv) + wv[:, None]
    of_h = wh + potentials(other, rbm.hidden, xh)[:, 0]
    sums = [log_sum(of_v[:, [i]] + fields[i], 0) for i in range(2)]
    log_z = log_sum(of_h + sums[0] + sums[1], 0)
    pick = rng.integers(0, min(len(xv), 40), (6, 2))
    joint = [of_h + fields[0][i] + fields[1][j] for i, j in pick]
    # Weights of a quadrature are no part of a density.
    base = 0.0 if one in ("binomial", "poisson") else wv
    own = potentials(one, rbm.visible, xv) + (wv - base)[:, None]
    expected = log_sum(np.array(joint), 1) - log_z
    expected += [own[i, 0] + own[j, 1] for i, j in pick]
    x = np.concatenate([xv[pick[:, 0]], xv[pick[:, 1]]], axis=1)
    finite = rbm._machine.layers().state_count is not None
    if finite:
        np.testing.assert_allclose(rbm.log_prob(x), expected, atol=1e-8)
        return
    with pytest.raises(ValueError, match="neither.*importance sampling"):
        rbm.log_partition(method="enumeration")
    with pytest.raises(ValueError, match="neither.*importance sampling"):
        rbm.compile(loss="exact_likelihood")
    found = rbm.log_partition(chains=50, temperatures=100)
    assert abs(found.value - log_z) < 4 * found.stderr + 1e-3
    off = rbm.log_prob(x) - expected
    np.testing.assert_allclose(off, log_z - found.value, atol=1e-8)


SHAPES = {
    "unit interval": lambda rng, m: rng.beta(4 * m, 4 * (1 - m)),
    "binomial": lambda rng, m: rng.binomial(3, m),
    "poisson": lambda rng, m: rng.poisson(20 * m),
    "double relu": lambda rng, m: rng.exponential(5 * m) + 100,
}


def planted(name, n=400, d=6):
    """Rows of two kinds, in which columns go together."""
    rng = np.random.default_rng(7)
    means = np.array([np.linspace(0.15, 0.85, d), np.linspace(0.85, 0.15, d)])
    return SHAPES[name](rng, means[rng.integers(0, 2, n)])


@pytest.mark.parametrize("name", NEW)
def test_defaults_learn(name):
    x = planted(name).astype("float64")
    rbm = gz.RBM(NEW[name](6), gz.units.Bernoulli(2), seed=0)
    rbm.adapt(x)
    # Without a kernel: independent columns.
    alone = gz.RBM(
        NEW[name](6), gz.units.Bernoulli(1), kernel_initializer="zeros"
    )
    alone.adapt(x)
    rbm.compile()
    rbm.fit(x, epochs=8, verbose=0)
    gain = rbm.log_prob(x).mean() - alone.log_prob(x).mean()
    assert gain > 0.5
    # As well off as its samples say.
    drawn = rbm.sample(2000, seed=1)
    assert not rbm.space.outside(drawn)
    error = x.std(axis=0) * math.sqrt(1 / len(x) + 1 / len(drawn))
    assert (abs(drawn.mean(axis=0) - x.mean(axis=0)) < 8 * error).all()


def test_files_hold_all_of_them(tmp_path):
    """In one model, since a trace of an export costs seconds."""
    x = np.concatenate([planted(name, d=2) for name in NEW], axis=1)
    rbm = gz.RBM([NEW[name](2) for name in NEW], gz.units.Bernoulli(2), seed=0)
    rbm.adapt(x)
    expected = rbm.log_prob(x[:20])
    rbm.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.log_prob(x[:20]), expected)
    rbm.save_to_preset(tmp_path / "preset")
    preset = gz.from_preset(tmp_path / "preset")
    np.testing.assert_array_equal(preset.log_prob(x[:20]), expected)
    rbm.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "served"))
    np.testing.assert_allclose(
        served.log_prob(tf.cast(x[:20], tf.float32)), expected, atol=2e-3
    )
    key = tf.constant([1, 0], tf.int64)
    own = served.sample(tf.constant(50), key, tf.constant(10))
    np.testing.assert_allclose(own, rbm.sample(50, seed=1), rtol=1e-5)


def test_a_score_of_one_count_given_the_others_knows_its_base():
    rbm = gz.RBM(
        units.Binomial(3, 4, dtype="float64"),
        units.UnitInterval(2, dtype="float64"),
        dtype="float64",
    )
    rng = np.random.default_rng(0)
    for weight in rbm.parameters:
        weight.assign(rng.normal(size=weight.shape))
    x = np.array([[0.0, 3, 4], [2, 2, 1]])
    expected = []
    for row in x:
        total = 0.0
        for site in range(3):
            others = np.repeat(row[None], 5, axis=0)
            others[:, site] = np.arange(5)
            energies = rbm.energy(others)
            total -= energies[int(row[site])] + log_sum(-energies, 0)
        expected.append(total)
    np.testing.assert_allclose(
        rbm.log_pseudolikelihood(x), expected, atol=1e-10
    )


@pytest.mark.parametrize("log_rate", [-200.0, -3.0, 3.3, 5.0, 11.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_poisson_counts_of_any_rate(log_rate, dtype):
    unit = units.Poisson(1, dtype=dtype)
    n = 20_000
    field = tf.fill((n, 1), tf.cast(log_rate, dtype))
    x = unit.sample(field, gz.random.as_seed(3)).numpy()[:, 0]
    assert (x == np.floor(x)).all()
    rate = math.exp(log_rate)
    low = int(max(0, rate - 6 * rate**0.5))
    high = int(rate + 6 * rate**0.5 + 12)
    k = np.arange(low, high)
    log_p = [i * log_rate - rate - math.lgamma(i + 1) for i in k]
    p = np.exp(log_p)
    counts = np.bincount(x.astype(int) - low, minlength=len(k))
    if len(k) == 12 and p[0] == 1:
        assert (x == 0).all()
        return
    # Of large rates in groups of about a tenth of a deviation.
    width = max(1, int(rate**0.5 / 10))
    edges = np.arange(0, len(k), width)
    assert_chi_square(
        np.add.reduceat(counts, edges), np.add.reduceat(p / p.sum(), edges)
    )
    # Rows are drawn by their number, however many there are.
    part = unit.sample(field[:5], gz.random.as_seed(3).at_row(7))
    np.testing.assert_array_equal(part[:, 0], x[7:12])


@pytest.mark.parametrize("trials", [1, 2, 40, 3000])
@pytest.mark.parametrize("logit", [-60.0, -2.0, 0.3, 4.0])
def test_binomial_counts_of_any_number_of_trials(trials, logit):
    unit = units.Binomial(1, trials)
    n = 10_000
    field = tf.fill((n, 1), logit)
    x = unit.sample(field, gz.random.as_seed(3)).numpy()[:, 0]
    p = 1 / (1 + math.exp(-logit))
    log_p = [
        math.lgamma(trials + 1)
        - math.lgamma(k + 1)
        - math.lgamma(trials - k + 1)
        + k * math.log(p)
        + (trials - k) * math.log1p(-p)
        for k in range(trials + 1)
    ]
    counts = np.bincount(x.astype(int), minlength=trials + 1)
    width = max(1, int((trials * p * (1 - p)) ** 0.5 / 10))
    edges = np.arange(0, trials + 1, width)
    share = np.add.reduceat(np.exp(log_p), edges)
    if share.max() > 1 - 1e-6:
        assert counts.sum() == np.add.reduceat(counts, edges).max()
        return
    assert_chi_square(np.add.reduceat(counts, edges), share)
    uniform = (np.arange(2000) + 0.5)[:, None] / 2000
    even = unit.from_uniform(field[:2000], tf.constant(uniform, tf.float32))
    assert abs(even.numpy().mean() - trials * p) < 2e-3 * trials


def test_double_relu_units_are_gaussian_relu_and_two_modes():
    rng = np.random.default_rng(0)
    field = rng.normal(scale=5, size=(50, 1))
    gaussian = units.Gaussian(1, variance=1.0, dtype="float64")
    relu = units.ReLU(1, dtype="float64")
    double = units.DoubleReLU(1, dtype="float64")
    np.testing.assert_allclose(
        double.log_cumulant(field), gaussian.log_cumulant(field), atol=1e-10
    )
    double.log_negative.assign([40.0])
    np.testing.assert_allclose(
        double.mean(field[field > -3][:, None]),
        relu.mean(field[field > -3][:, None]),
        atol=1e-6,
    )
    double.log_negative.assign([0.0])
    double.kink.assign([-4.0])
    x = double.sample(np.zeros((4000, 1)), gz.random.as_seed(1)).numpy()
    assert (abs(x) > 1).mean() > 0.99
    assert abs((x > 0).mean() - 0.5) < 5 * 0.5 / 4000**0.5
