"""Continuous units take any units of measurement: against NumPy."""

import warnings

import keras
import numpy as np
import pytest

import genzoo as gz

# Means and deviations of columns that share no scale.
MEANS = np.array([300.0, -2e5, 0.0, 1e-3, 7e4])
DEVIATIONS = np.array([0.1, 1e5, 1e-2, 1e-9, 3.0])


def columns(n, seed=0, means=MEANS, deviations=DEVIATIONS):
    noise = np.random.default_rng(seed).normal(size=(n, len(means)))
    noise = (noise - noise.mean(axis=0)) / noise.std(axis=0)
    return means + deviations * noise


def log_normal(x, mean, deviation):
    u = (x - mean) / deviation
    return -0.5 * u**2 - np.log(deviation) - 0.5 * np.log(2 * np.pi)


def gaussian_rbm(width, dtype="float32", **options):
    return gz.RBM(
        gz.units.Gaussian(width, dtype=dtype, **options),
        gz.units.Bernoulli(2, dtype=dtype),
        kernel_initializer="zeros",
        seed=0,
        dtype=dtype,
    )


@pytest.mark.parametrize(
    ("mean", "deviation", "dtype"),
    [
        (MEANS, DEVIATIONS, "float64"),
        (MEANS[:3], DEVIATIONS[:3], "float32"),
        ([1e8, -1e8], [1.0, 2.0], "float64"),
        # float64 data of a float32 model are rounded once they are centred
        ([1e8, -1e8], [1.0, 2.0], "float32"),
        ([1.7e9] * 3, [1e-3, 1.0, 10.0], "float64"),
    ],
)
def test_density_without_hidden_units_is_normal(mean, deviation, dtype):
    mean, deviation = np.asarray(mean), np.asarray(deviation)
    x = columns(400, means=mean, deviations=deviation)
    rbm = gaussian_rbm(len(mean), dtype)
    rbm.adapt(x)
    expected = log_normal(x, x.mean(axis=0), x.std(axis=0)).sum(axis=1)
    # The data's own rounding, in deviations, and that of the arithmetic.
    rounding = np.max(np.abs(x) / deviation) * 2**-52
    tolerance = 50 * rounding + (1e-9 if dtype == "float64" else 2e-5)
    np.testing.assert_allclose(rbm.log_prob(x), expected, atol=tolerance)
    np.testing.assert_allclose(rbm.visible.variance, x.var(axis=0), rtol=1e-5)


def test_density_is_a_mixture_in_the_users_units():
    rbm = gaussian_rbm(2, "float64")
    x = columns(300, means=np.array([300.0, -5e4]), deviations=[0.1, 40.0])
    rbm.adapt(x)
    rng = np.random.default_rng(1)
    for weight in rbm.parameters:
        weight.assign(rng.normal(scale=0.7, size=weight.shape))
    w, a, lp, b = (np.asarray(p) for p in rbm.parameters)
    h = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    variance = np.exp(-lp)
    mean = (a + h @ w.T) * variance
    log_weight = h @ b + 0.5 * (mean**2 / variance).sum(axis=1)
    p = np.exp(log_weight) / np.exp(log_weight).sum()
    center, scale = x.mean(axis=0), x.std(axis=0)
    density = sum(
        q
        * np.exp(log_normal(x, center + scale * m, scale * variance**0.5)).prod(
            axis=1
        )
        for q, m in zip(p, mean, strict=True)
    )
    np.testing.assert_allclose(rbm.log_prob(x), np.log(density), atol=1e-8)
    rbm.compile(loss="exact_likelihood")
    loss = rbm.evaluate(x, verbose=0)
    assert loss == pytest.approx(-np.log(density).mean(), abs=1e-6)
    np.testing.assert_allclose(
        rbm.visible_mean(h), center + scale * mean, rtol=1e-9
    )
    exact_z = rbm.log_partition().value
    ais = rbm.log_partition("ais", chains=500, temperatures=100)
    assert abs(ais.value - exact_z) < 4 * ais.stderr
    drawn = rbm.sample(4000, seed=0, steps=200)
    error = drawn.std(axis=0) / np.sqrt(4000)
    exact = center + scale * (p @ mean)
    assert np.all(np.abs(drawn.mean(axis=0) - exact) < 4.5 * error)
    assert rbm.reconstruct(x).shape == x.shape


def test_training_does_not_depend_on_the_units_of_measurement():
    factor = np.array([1e-2, 1.0, 1e5, 37.0])
    shift = np.array([0.0, -3.0, 1e6, 300.0])
    rng = np.random.default_rng(2)
    z = rng.choice([-1.0, 1.0], (200, 1)) + 0.4 * rng.normal(size=(200, 4))
    found = []
    for x in (z, shift + factor * z):
        rbm = gz.RBM(
            gz.units.Gaussian(4, dtype="float64"),
            gz.units.Bernoulli(2, dtype="float64"),
            seed=0,
            dtype="float64",
        )
        rbm.compile()
        rbm.fit(x, epochs=4, verbose=0)
        found.append(rbm.log_prob(x))
    change = np.log(factor).sum()
    np.testing.assert_allclose(found[0], found[1] + change, atol=1e-6)


@pytest.mark.parametrize("unit", [gz.units.Gaussian, gz.units.ReLU])
def test_constant_columns_are_named_and_harmless(unit):
    x = np.abs(columns(200, means=[300.0, 5.0, 2.0, 9e6], deviations=[0.1] * 4))
    x[:, 1], x[:, 3] = 0.1, 9e6
    rbm = gz.RBM(unit(4), gz.units.Bernoulli(3), seed=0)
    rbm.compile(keras.optimizers.Adam(0.1))
    with pytest.warns(UserWarning, match=r"2 of 4 columns.*numbers 1, 3\)"):
        rbm.fit(x, batch_size=20, epochs=10, verbose=0)
    assert np.isfinite(rbm.log_prob(x)).all()
    assert np.isfinite(rbm.sample(5, seed=0)).all()


def test_relu_units_take_a_scale_for_each_column():
    rng = np.random.default_rng(3)
    x = rng.exponential(size=(500, 3)) * [1e-4, 1.0, 1e6]
    rbm = gz.RBM(
        gz.units.ReLU(3), gz.units.Bernoulli(2), kernel_initializer="zeros"
    )
    rbm.adapt(x)
    drawn = rbm.sample(4000, seed=0, steps=5)
    error = drawn.std(axis=0) / np.sqrt(4000)
    assert np.all(np.abs(drawn.mean(axis=0) - x.mean(axis=0)) < 4.5 * error)


def test_variance_may_be_an_array_and_is_kept():
    variance = np.array([[0.5, 4.0], [1e-6, 1e6]])
    unit = gz.units.Gaussian((2, 2), variance=variance)
    assert not unit.learn_variance
    np.testing.assert_allclose(unit.variance, variance.ravel(), rtol=1e-6)
    unit.adapt(np.zeros(4), variance.ravel(), 10)
    np.testing.assert_allclose(unit.variance, variance.ravel(), rtol=1e-6)
    again = gz.units.Gaussian.from_config(unit.get_config())
    np.testing.assert_allclose(again.variance, variance.ravel(), rtol=1e-6)
    for wrong in ([1.0, 2.0, 3.0], [1.0, -1.0, 1.0, 1.0], ["a"] * 4, [np.nan]):
        with pytest.raises(ValueError, match="Gaussian: variance must be"):
            gz.units.Gaussian((2, 2), variance=wrong)


def test_a_fixed_variance_that_does_not_fit_is_said():
    x = columns(100, means=[0.0, 0.0], deviations=[58.0, 1.0])
    with pytest.warns(UserWarning, match="variance is fixed"):
        gaussian_rbm(2, variance=1.0).adapt(x)


def test_presets_of_other_scales_are_kept(tmp_path):
    x = columns(100, means=[300.0, 0.0], deviations=[0.1, 1e4])
    rbm = gaussian_rbm(2, variance=[0.01, 1e8])
    rbm.adapt(x)
    rbm.save_to_preset(tmp_path / "mine")
    again = gz.from_preset(tmp_path / "mine")
    np.testing.assert_array_equal(again.log_prob(x), rbm.log_prob(x))
    rbm.save(tmp_path / "mine.keras")
    loaded = keras.saving.load_model(tmp_path / "mine.keras")
    np.testing.assert_array_equal(loaded.log_prob(x), rbm.log_prob(x))


def test_samples_that_float32_cannot_tell_are_told():
    # Seconds since 1970: all samples were one of three numbers.
    x = 1.7e9 + 10 * np.random.default_rng(5).normal(size=(300, 1))
    for dtype, said in (("float32", 1), ("float64", 0)):
        visible, hidden = gz.units.Gaussian, gz.units.Bernoulli
        rbm = gz.RBM(
            visible(1, dtype=dtype), hidden(2, dtype=dtype), dtype=dtype, seed=0
        )
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            rbm.adapt(x)
        told = [w for w in seen if "columns 0 of the data" in str(w.message)]
        assert len(told) == said
    assert len(np.unique(rbm.sample(2000, seed=0))) > 1900
