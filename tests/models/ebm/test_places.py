"""Long tails: columns of which single values lie a hundred widths away."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, stats

import genzoo as gz
from genzoo.runtime import random
from genzoo.spaces import Interval, Product, Real

ROWS = 3000
# Of each: a space, data, and its density by SciPy.
CASES = {
    "cauchy": (Real(1), stats.cauchy(30, 2)),
    "student": (Real(1), stats.t(2, -5, 0.1)),
    "incomes": (Interval(0, None), stats.lognorm(1.5, scale=3e4)),
    "above one": (Interval(1, None), stats.pareto(1.2)),
    "debts": (Interval(None, -2), stats.pareto(1.5, scale=2)),
}


def _data(name):
    space, law = CASES[name]
    x = law.rvs((ROWS, 1), random_state=1)
    if name == "debts":
        x = -x
    return space, x.astype("float32"), law


def _adapted(name):
    space, x, _ = _data(name)
    model = gz.EnergyModel(space, seed=0)
    model.compile()
    model.adapt(x)
    assert model.sites.stretch.numpy()[0, 1] > 0
    return model, x


@pytest.mark.parametrize("name", CASES)
def test_places_and_their_slopes(name):
    model, x = _adapted(name)
    places, x = model.sites.places, tf.constant(x, tf.float64)
    np.testing.assert_allclose(places.at(places.of(x)), x, rtol=1e-9)
    centre, scale = model.sites.stretch.numpy()[0].astype(float)
    expected = centre + scale * np.arcsinh((x.numpy() - centre) / scale)
    np.testing.assert_allclose(places.of(x), expected, rtol=1e-12)
    with tf.GradientTape() as tape:
        tape.watch(x)
        place = places.of(x)
    slope = -np.log(tape.gradient(place, x))
    np.testing.assert_allclose(
        places.log_slopes_at(places.of(x)), slope, atol=1e-9
    )
    # A single end stays where it is.
    for end in (model.space.low, model.space.high):
        if np.isfinite(end).all():
            assert places.of(tf.constant(end[None])) == end


@pytest.mark.parametrize("name", CASES)
def test_the_reference_is_a_density(name):
    model, x = _adapted(name)
    sites = model.sites

    def density(at):
        return float(tf.exp(sites.log_prob(tf.constant([[at]], "float64")))[0])

    middle, spread = np.median(x), np.quantile(np.abs(x - np.median(x)), 0.7)
    away = spread * np.r_[0.0, np.geomspace(0.1, 1e7, 40)]
    cuts = np.unique(np.r_[middle - away, middle + away])
    cuts = np.unique(np.clip(cuts, model.space.low[0], model.space.high[0]))
    parts = [
        integrate.quad(density, *ends, limit=100)[0]
        for ends in zip(cuts[:-1], cuts[1:], strict=True)
    ]
    assert sum(parts) == pytest.approx(1, abs=2e-3)
    below = np.r_[0.0, np.cumsum(parts)]
    drawn = sites.sample(4000, random.as_seed(3)).numpy()[:, 0]
    found = stats.kstest(drawn, lambda at: np.interp(at, cuts, below))
    # Straight lines between the cuts.
    assert found.statistic < 0.05


@pytest.mark.parametrize("name", CASES)
def test_sweeps_leave_the_density_as_it_is(name):
    # A network that has not learned gives 0: the model is its reference.
    model, _ = _adapted(name)
    start = model.sites.sample(4000, random.as_seed(4))
    walk = tf.function(model.rules.walker.walk)
    end = walk(start, random.as_seed(5), 20).numpy()
    assert (end != start.numpy()).mean() > 0.9
    assert stats.ks_2samp(start.numpy()[:, 0], end[:, 0]).pvalue > 1e-3


@pytest.mark.parametrize("name", CASES)
def test_log_z_and_exact_draws(name):
    model, _ = _adapted(name)
    found = model.log_partition()
    assert found.method == "quadrature"
    assert found.value == pytest.approx(0, abs=1e-4)
    drawn = model.sample(4000, seed=6)[:, 0]
    q = model.sites.sample(4000, random.as_seed(7)).numpy()[:, 0]
    assert stats.ks_2samp(drawn, q).pvalue > 1e-3


@pytest.mark.parametrize("name", CASES)
def test_two_epochs_learn_the_law(name):
    space, x, law = _data(name)
    model = gz.EnergyModel(space, seed=0)
    model.compile(steps_per_execution=16)
    model.fit(x, epochs=2, verbose=0)
    other = law.rvs(4000, random_state=2)
    nats = -law.logpdf(other).mean()
    if name == "debts":
        other = -other
    loss = -model.log_prob(other.astype("float32")[:, None]).mean()
    # A normal distribution is three to sixteen nats off.
    assert loss == pytest.approx(nats, abs=0.15)
    found = np.quantile(model.sample(4000, seed=1), [0.1, 0.25, 0.5, 0.75, 0.9])
    at = [0.1, 0.25, 0.5, 0.75, 0.9]
    share = np.mean(other[:, None] < found, axis=0)
    np.testing.assert_allclose(share, at, atol=0.06)


def _broken_sensor():
    generator = np.random.default_rng(20)
    x = generator.normal(size=(2000, 5)).astype("float32")
    x[17, 2] = 1e4
    return Real(5), x


def _payments():
    generator = np.random.default_rng(21)
    size = generator.exponential(5, (3000, 3)) ** 1.5
    paid = generator.random((3000, 3)) < 0.5
    return Real(3), (paid * size).astype("float32")


def _mixed():
    generator = np.random.default_rng(22)
    name = generator.integers(0, 2, (2000, 1))
    size = np.exp(2 * generator.normal(size=(2000, 1)) + name)
    x = np.hstack([name, size, generator.standard_t(2, (2000, 1))])
    space = [gz.spaces.Binary(1), Interval(0, None), Real(1)]
    return Product(space), x.astype("float32")


@pytest.mark.filterwarnings("ignore:EnergyModel")
@pytest.mark.parametrize("case", [_broken_sensor, _payments, _mixed])
def test_tables_that_nobody_chose(case, tmp_path):
    space, x = case()
    model = gz.EnergyModel(space, seed=0)
    model.compile(steps_per_execution=16, watch=False)
    model.fit(x, epochs=3, verbose=0)
    drawn = model.sample(1000, seed=1, steps=200)
    for site in model.space.real_sites:
        # Most lie where data do: of none is a mode far away.
        low, high = np.quantile(x[:, site], [0.02, 0.98])
        inside = (drawn[:, site] >= low - 1) & (drawn[:, site] <= high)
        assert inside.mean() > 0.8
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        again.sites.stretch.numpy(), model.sites.stretch.numpy()
    )
    np.testing.assert_array_equal(again(x[:50]), model(x[:50]))


def test_presets_hold_tails_and_older_ones_have_none(tmp_path):
    model, x = _adapted("incomes")
    model.save_to_preset(tmp_path / "own")
    again = gz.from_preset(tmp_path / "own")
    np.testing.assert_array_equal(again(x[:50]), model(x[:50]))
    # Those of before there was a stretch.
    stored = gz.EnergyModel._preset_upgrade({}, space=model.space)
    assert stored.keys() == {"sites.stretch"}
    assert not stored["sites.stretch"].any()


def test_what_is_known_of_a_row_is_kept_and_the_rest_follows():
    generator = np.random.default_rng(8)
    x = generator.standard_t(2, (3000, 1)) * [[1.0, 1.0]]
    x[:, 1] += generator.normal(0, 0.1, 3000)
    model = gz.EnergyModel(Real(2), seed=0)
    model.compile(steps_per_execution=16)
    model.fit(x, epochs=2, verbose=0)
    given = np.array([[4.0, np.nan], [-2.0, np.nan]] * 50, "float32")
    drawn = model.sample(100, given=given, seed=2)
    np.testing.assert_array_equal(drawn[:, 0], given[:, 0])
    assert np.median(drawn[1::2, 1]) == pytest.approx(-2, abs=0.3)
    assert np.median(drawn[::2, 1]) == pytest.approx(4, abs=1)


def test_data_without_long_tails_are_their_own_places():
    generator = np.random.default_rng(23)
    x = generator.normal(50, 3, (2000, 3)).astype("float32")
    x[:, 1] = generator.laplace(0, 2, 2000)
    model = gz.EnergyModel(Real(3), seed=0)
    model.adapt(x)
    assert not model.sites.stretch.numpy().any()
    np.testing.assert_array_equal(model.sites.places.of(tf.constant(x)), x)
