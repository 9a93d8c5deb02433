"""Given some of the variables: against enumeration, in NumPy."""

import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz

UNITS = {
    "bernoulli": lambda n: gz.units.Bernoulli(n, dtype="float64"),
    "spin": lambda n: gz.units.Spin(n, dtype="float64"),
    "categorical": lambda n: gz.units.Categorical(n, 3, dtype="float64"),
    "binomial": lambda n: gz.units.Binomial(n, 2, dtype="float64"),
    "mixed": lambda n: [
        gz.units.Bernoulli(n - 2, dtype="float64"),
        gz.units.Categorical(1, 3, dtype="float64"),
        gz.units.Spin(1, dtype="float64"),
    ],
}
HIDDEN = {
    "bernoulli": lambda: gz.units.Bernoulli(4, dtype="float64"),
    "gaussian": lambda: gz.units.Gaussian(2, dtype="float64"),
    "relu": lambda: gz.units.ReLU(2, dtype="float64"),
}
PAIRS = [
    ("bernoulli", "bernoulli", 8),
    ("spin", "gaussian", 6),
    ("categorical", "relu", 4),
    ("binomial", "bernoulli", 5),
    ("mixed", "bernoulli", 6),
]


def rbm(visible, hidden, n):
    model = gz.RBM(UNITS[visible](n), HIDDEN[hidden](), dtype="float64", seed=0)
    rng = np.random.default_rng(1)
    for weight in model.parameters:
        if "precision" not in weight.name:
            weight.assign(0.6 * rng.normal(size=weight.shape))
    count = model.visible.state_count
    return model, model.visible.states(0, count, "float64").numpy()


def spins():
    model = gz.BoltzmannMachine(gz.spaces.Spin((3, 3)), seed=0)
    rng = np.random.default_rng(2)
    coupling = np.triu(0.4 * rng.normal(size=(9, 9)), 1)
    model.set_parameters(0.3 * rng.normal(size=9), coupling + coupling.T)
    return model, gz.spaces.Spin(9).states()


def three_body():
    features = [
        gz.features.Moments(1),
        gz.features.Function(
            lambda x: tf.reduce_prod(x[:, :3], 1, keepdims=True)
        ),
    ]
    model = gz.MaxEnt(gz.spaces.Binary(7), features, seed=0)
    model.multipliers = np.random.default_rng(3).normal(size=8)
    return model, gz.spaces.Binary(7).states()


MODELS = {
    **{f"{v}-{h}": (lambda p=(v, h, n): rbm(*p)) for v, h, n in PAIRS},
    "spins": spins,
    "three-body": three_body,
}


def problem(name):
    """(model, x, mask, log p of the known, <x> given it), by enumeration."""
    model, states = MODELS[name]()
    examples = states.reshape(-1, *model.event_shape)
    log_w = -model.energy(examples).astype("float64")
    log_p = log_w - np.logaddexp.reduce(log_w)
    rng = np.random.default_rng(4)
    groups = gz.models.common.completion.groups_of(model.space)
    rows = rng.integers(0, len(states), 5)
    mask = np.zeros((5, states.shape[1]), bool)
    for group in groups:
        mask[:, group] = rng.random((5, 1)) < 0.5
    # All is known, or nothing.
    mask[0], mask[1] = True, False
    log_known, mean = [], []
    for row, own in zip(rows, mask, strict=True):
        agree = (states[:, own] == states[row, own]).all(axis=1)
        part = np.where(agree, log_p, -np.inf)
        log_known.append(np.logaddexp.reduce(part))
        mean.append(np.exp(part - log_known[-1]) @ states)
    shape = (-1, *model.event_shape)
    return (
        model,
        states[rows].reshape(shape),
        mask.reshape(shape),
        np.array(log_known),
        np.array(mean).reshape(shape),
    )


@pytest.mark.parametrize("name", MODELS)
def test_sums_over_what_is_unknown_are_exact(name):
    model, x, mask, log_known, mean = problem(name)
    found = model.log_marginal(x, mask)
    np.testing.assert_allclose(found.value, log_known, atol=1e-8)
    np.testing.assert_array_equal(found.stderr, 0)
    np.testing.assert_allclose(model.log_prob(x, mask), found.value)
    np.testing.assert_allclose(model.conditional_mean(x, mask), mean, atol=1e-8)
    gaps = np.where(mask, x, np.nan)
    np.testing.assert_allclose(model.impute(gaps), mean, atol=1e-8)
    # Both sums, whichever is the cheaper one here.
    marked = np.where(mask, x, 7.0)
    np.testing.assert_allclose(model.impute(marked, missing=7), mean, atol=1e-8)


@pytest.mark.parametrize("method", ["exact", "chains"])
@pytest.mark.parametrize("name", MODELS)
def test_draws_have_the_conditional_means(name, method):
    model, x, mask, _, mean = problem(name)
    n = 3000
    drawn = model.sample(
        n, seed=0, given=x[2], mask=mask[2], method=method, steps=60
    )
    assert drawn.shape == (n, *model.event_shape)
    np.testing.assert_array_equal(drawn[:, mask[2]], [x[2][mask[2]]] * n)
    assert not model.space.outside(drawn)
    free = ~mask[2]
    error = drawn[:, free].std(axis=0) / np.sqrt(n)
    off = np.abs(drawn[:, free].mean(axis=0) - mean[2][free])
    # Chains of a group are copies now and then.
    assert (off < 5 * error + 1e-3).all()


@pytest.mark.parametrize(
    "name", ["bernoulli-bernoulli", "mixed-bernoulli", "spins"]
)
def test_annealed_scores_know_their_errors(name, monkeypatch):
    model, x, mask, log_known, mean = problem(name)
    model.log_partition()
    monkeypatch.setattr(model, "_conditional", lambda *_: None)
    found = model.log_marginal(x, mask, chains=64, temperatures=200)
    assert (np.abs(found.value - log_known) < 4 * found.stderr + 1e-6).all()
    assert found.stderr.max() < 0.3
    walked = model.conditional_mean(x, mask, steps=2000)
    np.testing.assert_allclose(walked, mean, atol=0.17)


def test_a_gaussian_given_one_of_its_sites():
    rng = np.random.default_rng(0)
    cov = np.array([[4.0, 1.5], [1.5, 1.0]])
    x = rng.multivariate_normal([100, -3], cov, size=2000)
    model = gz.MaxEnt(
        gz.spaces.Real(2),
        [
            gz.features.Moments(1),
            gz.features.Moments(2),
            gz.features.Pairwise(),
        ],
    )
    model.compile()
    model.fit(x, verbose=0)
    mean, c = x.mean(axis=0), np.cov(x.T)
    expected = mean[1] + c[0, 1] / c[0, 0] * (102.0 - mean[0])
    drawn = model.sample(1000, seed=0, given=[102.0, np.nan], steps=60)
    deviation = np.sqrt(c[1, 1] - c[0, 1] ** 2 / c[0, 0])
    assert abs(drawn[:, 1].mean() - expected) < 0.12
    assert drawn[:, 1].std() == pytest.approx(deviation, rel=0.1)


def test_real_visible_units_of_any_scale():
    """Each hidden state gives a normal density: a mixture, known in full."""
    units = gz.units.Gaussian(3, dtype="float64")
    model = gz.RBM(
        units, gz.units.Bernoulli(3, dtype="float64"), dtype="float64"
    )
    rng = np.random.default_rng(0)
    model.adapt(rng.normal(size=(50, 3)) * [1e-2, 1, 1e4] + [0, 5, 1e5])
    model.kernel.assign(rng.normal(size=(3, 3)))
    h = np.array(np.meshgrid(*[[0, 1]] * 3)).reshape(3, -1).T
    a, b = units.bias.numpy(), model.hidden.bias.numpy()
    total = a + h @ model.kernel.numpy().T
    precision = np.exp(units.log_precision.numpy())
    weight = h @ b + (0.5 * total**2 / precision).sum(axis=1)
    weight = np.exp(weight - np.logaddexp.reduce(weight))
    center, scale = units.center.numpy(), units.scale.numpy()
    mean = center + scale * total / precision
    deviation = scale / np.sqrt(precision)
    x = np.array([[0.003, 5.5, 99000.0]])
    density = np.exp(-0.5 * ((x - mean) / deviation) ** 2)
    density /= deviation * np.sqrt(2 * np.pi)
    for mask in ([True, False, True], [False, True, False], [False] * 3):
        joint = weight * np.prod(np.where(mask, density, 1.0), axis=1)
        value = model.log_prob(x, np.array(mask))[0]
        assert value == pytest.approx(np.log(joint.sum()), abs=1e-8)
        expected = joint @ mean / joint.sum()
        found = model.conditional_mean(x, np.array(mask))[0]
        np.testing.assert_allclose(
            found, np.where(mask, x[0], expected), rtol=1e-8
        )


def test_exports_complete_as_sample_does(tmp_path):
    model, x, mask, _, _ = problem("bernoulli-bernoulli")
    x, mask = x[2:], mask[2:]
    drawn = model.sample(
        3, seed=(5, 6), given=x, mask=mask, method="chains", steps=30
    )
    model.export(tmp_path / "served", verbose=False)
    served = gz.load_exported(tmp_path / "served")
    np.testing.assert_array_equal(
        served.complete(x, mask, seed=(5, 6), steps=30), drawn
    )


WRONG = {
    "shape": ({"x": np.zeros((2, 7))}, "must have shape"),
    "mask shape": ({"mask": np.ones(7, bool)}, "mask must have the shape of x"),
    "mask values": ({"mask": np.full(8, 2.0)}, "mask must be true where"),
    "outside": (
        {"x": np.full((2, 8), 3.0), "mask": np.ones(8, bool)},
        "must hold 0 and 1",
    ),
    "known but missing": (
        {"x": np.full((2, 8), np.nan), "mask": np.ones(8, bool)},
        "numbers of x are known which are missing",
    ),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("method", ["conditional_mean", "log_marginal"])
def test_wrong_masks_are_refused(method, name):
    arguments, told = WRONG[name]
    model, _ = rbm("bernoulli", "bernoulli", 8)
    arguments = {"x": np.zeros((2, 8)), "mask": np.zeros(8, bool), **arguments}
    with pytest.raises(ValueError, match=f"RBM.{method}: .*{told}"):
        getattr(model, method)(**arguments)


def test_wrong_givens_are_refused():
    model, _ = rbm("categorical", "bernoulli", 2)
    half = np.array([[1.0, 0, np.nan, 0, 0, 1.0]])
    with pytest.raises(ValueError, match="of a one-hot group all numbers"):
        model.conditional_mean(half)
    with pytest.raises(ValueError, match="mask says what of given"):
        model.sample(2, mask=np.ones(6, bool))
    with pytest.raises(ValueError, match="given has 2 rows; n is 3"):
        model.sample(3, given=np.zeros((2, 6)))
    with pytest.raises(ValueError, match="without start"):
        model.sample(1, given=np.full(6, np.nan), start="random")
