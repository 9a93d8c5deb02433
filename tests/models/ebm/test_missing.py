"""Neural energies of examples of which some is unknown."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo import spaces
from genzoo.runtime import random

RNG = np.random.default_rng(4)
PLANTED = RNG.random((3, 5)) < 0.5
RATES = np.where(PLANTED, 0.85, 0.1)[np.arange(60) % 3]
BITS = (RNG.random((60, 5)) < RATES) * 1.0
BITS[RNG.random(BITS.shape) < 0.35] = np.nan
# A row of which nothing is known, and one that is known in full.
BITS[0], BITS[1] = np.nan, [0, 1, 1, 0, 1]
STATES = spaces.Binary(5).states()

COVARIANCE = np.array([[1.0, 0.8], [0.8, 1.0]]) * np.outer([3, 0.1], [3, 0.1])
PAIRS = RNG.multivariate_normal([10, 0], COVARIANCE, 400)
LOST = np.where(RNG.random(PAIRS.shape) < 0.3, np.nan, PAIRS)


def _bits(loss, seed=0):
    network = gz.networks.energy_mlp(spaces.Binary(5), 6, 1, seed=1)
    model = gz.EnergyModel(spaces.Binary(5), network, seed=seed)
    model.compile(keras.optimizers.SGD(0.1), loss)
    return model


def _batch(x, weight=None):
    seen = ~np.isnan(x)
    rows = tf.constant(np.where(seen, x, 0.0), tf.float32)
    return gz.runtime.batch.make(rows, weight, tf.constant(seen))


def _of_known(log_p, x):
    """log p of what is known of each row, by enumeration."""
    agree = (np.isnan(x[:, None]) | (x[:, None] == STATES)).all(axis=2)
    return np.logaddexp.reduce(np.where(agree, log_p, -np.inf), axis=1)


def test_the_exact_gradient_is_that_of_log_marginal():
    model = _bits("exact_likelihood")
    model._prepare(model._given("fit", BITS, missing="nan"))
    # The reference has the frequencies of what is known of each column.
    logits = model.sites.logits.numpy().reshape(5, 2)
    share = (60 * np.nanmean(BITS, axis=0) + 0.5) / 61
    np.testing.assert_allclose(np.exp(logits[:, 1]), share, rtol=1e-5)
    rng = np.random.default_rng(0)
    for weight in model.parameters:
        weight.assign(rng.normal(size=weight.shape))
    given = _batch(BITS, tf.constant(np.arange(60) % 3, tf.float32))
    loss, gradients = model.rules.exact_gradients(given)

    def mean():
        return -model.log_marginal(BITS).value @ (np.arange(60) % 3) / 60

    log_w = -model.energy(STATES)
    of_known = _of_known(log_w - np.logaddexp.reduce(log_w), BITS)
    assert -of_known @ (np.arange(60) % 3) / 60 == pytest.approx(mean())
    assert float(loss) == pytest.approx(mean(), abs=1e-5)
    assert float(model.rules.exact_loss(given)) == pytest.approx(float(loss))
    for weight, gradient in zip(model.parameters, gradients, strict=True):
        way, start = rng.normal(size=weight.shape), weight.numpy()
        ends = []
        for step in (1e-2, -1e-2):
            weight.assign(start + step * way)
            ends.append(mean())
        weight.assign(start)
        slope = (ends[0] - ends[1]) / 2e-2
        assert np.sum(gradient * way) == pytest.approx(slope, abs=2e-4)


def _pairs(mean, covariance, loss="exact_likelihood"):
    """A normal distribution of two columns."""
    network = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Lambda(_squares),
            keras.layers.Dense(1),
        ]
    )
    model = gz.EnergyModel(spaces.Real(2), network, seed=0)
    model.compile("adam", loss, watch=False)
    model._prepare(model._given("fit", LOST, missing="nan"))
    middle, spread = model.sites.middle.numpy(), model.sites.spread.numpy()
    form = np.linalg.inv(covariance) * np.outer(spread, spread)
    linear = form @ ((middle - mean) / spread)
    square = 0.5 * np.diag(form) - 0.5 / 1.5**2
    kernel = [*linear, *square, form[0, 1]]
    network.set_weights([np.array(kernel)[:, None], np.zeros(1)])
    model._sums.narrow()
    return model


def _squares(z):
    a, b = z[:, 0], z[:, 1]
    return keras.ops.stack([a, b, a**2, b**2, a * b], axis=1)


def _regression(row, mean, covariance):
    """(mean, covariance) of all of a row given what is known of it."""
    lost = np.isnan(row)
    if not lost.any():
        return row, np.zeros((2, 2))
    if lost.all():
        return mean, covariance
    known = ~lost
    slope = covariance[lost, known] / covariance[known, known]
    found = np.where(lost, mean + slope * (row - mean)[known], row)
    rest = np.zeros((2, 2))
    rest[lost, lost] = covariance[lost, lost] - slope * covariance[known, lost]
    return found, rest


def _most_likely(x):
    """Mean and covariance of a normal distribution, by EM in NumPy."""
    mean, covariance = np.nanmean(x, axis=0), np.diag(np.nanvar(x, axis=0))
    for _ in range(60):
        rows = [_regression(row, mean, covariance) for row in x]
        filled = np.array([row for row, _ in rows])
        mean = filled.mean(axis=0)
        rest = np.mean([rest for _, rest in rows], axis=0)
        covariance = np.cov(filled.T, bias=True) + rest
    return mean, covariance


@pytest.fixture(scope="module")
def recovered():
    """The estimate of the greatest likelihood, and its model."""
    mean, covariance = _most_likely(LOST)
    return mean, covariance, _pairs(mean, covariance)


def test_the_joint_of_two_columns_is_recovered(recovered):
    mean, covariance, model = recovered
    batch = _batch(LOST)
    loss, gradients = model.rules.exact_gradients(batch)
    # Minus the mean log p of what is known, in closed form.
    spread = np.sqrt(np.diag(covariance))
    alone = -0.5 * ((LOST - mean) / spread) ** 2 - np.log(spread)
    alone -= 0.5 * np.log(2 * np.pi)
    known = ~np.isnan(LOST)
    z = (LOST - mean) @ np.linalg.inv(np.linalg.cholesky(covariance)).T
    both = -0.5 * (z**2).sum(axis=1) - np.log(2 * np.pi)
    both -= 0.5 * np.linalg.slogdet(covariance)[1]
    log_p = np.where(known.all(axis=1), both, np.nansum(alone, axis=1))
    assert float(loss) == pytest.approx(-log_p.mean(), abs=1e-4)
    # The likelihood has its greatest value there, and not where full rows
    # alone have theirs.
    slopes = np.concatenate([np.ravel(g) for g in gradients])
    assert np.abs(slopes).max() < 2e-3
    full = LOST[known.all(axis=1)]
    other = _pairs(full.mean(axis=0), np.cov(full.T))
    _, gradients = other.rules.exact_gradients(batch)
    assert max(np.abs(g).max() for g in gradients) > 0.01
    # As if all were known, within the error of that.
    correlation = covariance[0, 1] / spread.prod()
    of_all = np.corrcoef(PAIRS.T)[0, 1]
    assert abs(correlation - of_all) < 2 * (1 - of_all**2) / np.sqrt(400)


def test_what_is_filled_in_is_drawn_given_the_rest(recovered):
    mean, covariance, model = recovered
    rows = np.tile([[13.0, np.nan], [np.nan, 0.1], [np.nan] * 2], (2000, 1))
    found = model.rules.filled(_batch(rows), random.as_seed(3))
    found = np.asarray(found, float)
    known = ~np.isnan(rows)
    assert (found[known] == np.float32(rows)[known]).all()
    for first in range(3):
        own = found[first::3]
        expected, rest = _regression(rows[first], mean, covariance)
        error = np.sqrt(np.diag(rest) / 2000)
        assert (np.abs(own.mean(axis=0) - expected) <= 4 * error + 1e-6).all()
        ratio = own.std(axis=0)[error > 0] / np.sqrt(2000) / error[error > 0]
        np.testing.assert_allclose(ratio, 1, atol=4 / np.sqrt(4000))


def test_chains_have_the_gradient_of_sums():
    model = _bits(gz.losses.PersistentContrastiveDivergence(chains=20_000))
    model._prepare(model._given("fit", BITS, missing="nan"))
    rng = np.random.default_rng(1)
    for weight in model.parameters:
        weight.assign(0.7 * rng.normal(size=weight.shape))
    log_p = model.log_prob(STATES)
    p = np.exp(log_p) / np.exp(log_p).sum()
    model.chains.write_all(STATES[rng.choice(32, 20_000, p=p)])
    batch = _batch(np.tile(BITS, (300, 1)))
    step = model.loss.gradients(model, batch, random.as_seed(0))
    _, expected = model.rules.exact_gradients(_batch(BITS))
    for own, slope in zip(step.gradients, expected, strict=True):
        np.testing.assert_allclose(own, slope, atol=0.03)
    # Data of which the model were to fill in by itself would have another.
    alone = _batch(BITS)._replace(seen=None)
    _, other = model.rules.exact_gradients(alone)
    assert any(
        np.abs(a - b).max() > 0.1 for a, b in zip(other, expected, strict=True)
    )


def test_gaps_resume_and_two_replicas_fill_them_alike(tmp_path, two):
    options = {"missing": "nan", "batch_size": 32, "verbose": 0}
    rule = gz.losses.PersistentContrastiveDivergence(chains=16)
    once, twice = _bits(rule), _bits(rule)
    with two.scope():
        both = _bits(rule)
    history = once.fit(BITS, epochs=2, **options).history
    twice.fit(BITS, epochs=1, **options)
    twice.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    again.fit(BITS, initial_epoch=1, epochs=2, **options)
    both.fit(BITS, epochs=2, **options)
    for one, other, third in zip(
        once.parameters, again.parameters, both.parameters, strict=True
    ):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
        np.testing.assert_allclose(third.numpy(), one.numpy(), atol=2e-5)
    # The log has the likelihood of what is known.
    end = -once.log_marginal(BITS).value.mean()
    assert history["loss"][-1] == pytest.approx(end, abs=0.1)


@pytest.mark.parametrize(
    ("space", "loss"),
    [
        (spaces.Binary(5), "pseudolikelihood"),
        (spaces.Binary(5), "ratio_matching"),
        (spaces.Binary(5), "nce"),
        (spaces.Real(5), "sliced_score_matching"),
    ],
)
def test_rules_that_need_all_say_so(space, loss):
    model = gz.EnergyModel(space, seed=0)
    model.compile(loss=loss)
    name = type(model.loss).__name__
    told = f"EnergyModel.fit: {name} .* known in full.*'pcd'"
    with pytest.raises(ValueError, match=told):
        model.fit(BITS, missing="nan", verbose=0)
    assert not model.is_adapted
