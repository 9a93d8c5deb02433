"""Noise-contrastive estimation against noise of one's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import genzoo as gz
from genzoo import spaces
from genzoo.losses import NoiseContrastiveEstimation
from genzoo.runtime import random

tfd = tfp.distributions
RNG = np.random.default_rng(5)
WELLS = np.array([[-1.5, 0.0], [1.0, 1.0]])
X = WELLS[RNG.integers(0, 2, 3000)] + RNG.normal(size=(3000, 2)) * [0.5, 0.3]
BITS = (RNG.random((75, 3)) < [0.2, 0.6, 0.7]).astype("uint8")
STATES = spaces.Binary(3).states()


def _normal():
    return tfd.MultivariateNormalTriL(
        np.float32([0.2, 0.4]), np.float32([[2.4, 0.0], [0.3, 1.2]])
    )


def _bit_noise():
    """A model of bits that is no product of sites."""
    model = gz.BoltzmannMachine(spaces.Binary(3), seed=1)
    model.compile(loss="exact_likelihood")
    x = BITS.copy()
    x[:40, 1] = x[:40, 0]
    model.fit(x, verbose=0)
    return model


def _model(noise, space=None, ratio=4, optimizer=None, width=16, steps=1):
    space = space or spaces.Real(2)
    network = gz.networks.energy_mlp(space, width, 2, seed=1)
    model = gz.EnergyModel(space, network, seed=0)
    rule = NoiseContrastiveEstimation(ratio, noise=noise)
    model.compile(optimizer, rule, steps_per_execution=steps, watch=False)
    return model


def _sgd():
    # A falling rate would be that of its own plan.
    return keras.optimizers.SGD(0.1)


def test_log_z_is_learned_against_a_normal_distribution():
    model = _model(_normal(), steps=20)
    model.fit(X, epochs=30, verbose=0)
    # The density that was learned is normalised.
    assert abs(model.log_partition("quadrature").value) < 0.02
    wide = -0.5 * (((X[:, None] - WELLS) / [0.5, 0.3]) ** 2).sum(axis=2)
    log_p = np.logaddexp(*wide.T) - np.log(2 * 2 * np.pi * 0.5 * 0.3)
    assert np.mean(log_p - model.log_prob(X)) < 0.04


@pytest.mark.parametrize("kind", ["model", "distribution"])
def test_the_objective_is_that_of_a_sum_over_the_noise(kind):
    if kind == "model":
        noise = _bit_noise()
        log_q = noise.log_prob(STATES)
    else:
        rates = np.float32([0.3, 0.5, 0.9])
        noise = tfd.Independent(tfd.Bernoulli(probs=rates), 1)
        log_q = np.log(np.where(STATES, rates, 1 - rates)).sum(axis=1)
    model = _model(noise, spaces.Binary(3))
    model.adapt(BITS)
    model.offset.assign(0.7)
    energy = model.energy(STATES).astype(float)
    logit = -energy - log_q - np.log(4)
    of_noise = 4 * np.exp(log_q) @ np.logaddexp(0, logit)
    places = BITS.astype(int) @ [4, 2, 1]
    expected = np.mean(np.logaddexp(0, -logit[places])) + of_noise
    rows = tf.constant(np.tile(BITS, (800, 1)), tf.float32)
    found = float(model.loss.value(model, rows, random.as_seed(2)))
    # The draws of a model are 65,536 in all, be they taken more often.
    spread = np.sqrt(np.exp(log_q) @ np.logaddexp(0, logit) ** 2)
    assert abs(found - expected) < 4 * 4 * spread / np.sqrt(60_000)


@pytest.mark.parametrize("kind", ["model", "distribution"])
def test_noise_resumes_and_replicas_share_it(kind, tmp_path, two):
    if kind == "model":
        noise, space, x = _bit_noise(), spaces.Binary(3), BITS
    else:
        noise, space, x = _normal(), spaces.Real(2), X[:75]
    models = [_model(noise, space, 1, _sgd(), 4) for _ in range(2)]
    with two.scope():
        models.append(_model(noise, space, 1, _sgd(), 4))
    log_q = noise.log_prob(x)
    if kind == "model":
        # A copy was taken: what becomes of it is nothing to them.
        noise.parameters[0].assign(noise.parameters[0] + 1.0)
    once, twice, both = models
    options = {"batch_size": 25, "verbose": 0}
    once.fit(x, epochs=2, **options)
    twice.fit(x, epochs=1, **options)
    twice.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    again.fit(x, initial_epoch=1, epochs=2, **options)
    both.fit(x, epochs=2, **options)
    for one, other, third in zip(
        once.parameters, again.parameters, both.parameters, strict=True
    ):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
        np.testing.assert_allclose(third.numpy(), one.numpy(), atol=1e-4)
    # What was loaded is noise for others, and of the numbers that were given.
    found = again.loss.noise.log_prob(x)
    np.testing.assert_allclose(found, log_q, rtol=1e-12)
    fresh = _model(again.loss.noise, space, 1, _sgd(), 4)
    again.compile(_sgd(), again.loss, watch=False)
    for model in (fresh, again):
        history = model.fit(x, **options).history
        assert np.isfinite(history["objective"]).all()


@pytest.mark.parametrize(
    ("noise", "said"),
    [
        (lambda: 3, "noise must be None for the model's reference"),
        (lambda: gz.networks.energy_mlp(spaces.Real(2)), "a genzoo model"),
        (lambda: tfd.Normal([0.0, 0.0], 1.0), r"batch shape \(2,\).*Indep"),
        (_bit_noise, r"examples of shape \(3,\); the model's have \(2,\)"),
        (
            lambda: gz.MaxEnt(spaces.Real(2), gz.features.Moments(1)),
            "MaxEnt has not seen data. Fit it",
        ),
    ],
)
def test_noise_that_cannot_be_is_refused(noise, said):
    with pytest.raises(ValueError, match=said):
        _model(noise())


def test_noise_beyond_the_space_is_refused():
    normal = tfd.MultivariateNormalDiag(np.zeros(2, "float32"))
    told = "256 draws of MultivariateNormalDiag lie outside of the space"
    with pytest.raises(ValueError, match=told):
        _model(normal, spaces.Interval(-1.0, 1.0, shape=2))


def test_noise_that_never_is_where_data_are_is_refused_by_fit():
    square = tfd.Independent(tfd.Uniform(np.float32([-1] * 2), 1.0), 1)
    # Of a configuration alone a model has no weights.
    config = NoiseContrastiveEstimation(noise=_bit_noise()).get_config()
    network = gz.networks.energy_mlp(spaces.Binary(3), 4, 1, seed=1)
    unfitted = gz.EnergyModel(spaces.Binary(3), network, seed=0)
    rule = NoiseContrastiveEstimation.from_config(config)
    unfitted.compile(loss=rule, watch=False)
    for model, x in ((_model(square), X[:75]), (unfitted, BITS)):
        before = [weight.numpy() for weight in model.parameters]
        told = "EnergyModel.fit: noise of Noise.* no finite log_prob.*loss.$"
        with pytest.raises(ValueError, match=told):
            model.fit(x, verbose=0)
        for weight, own in zip(model.parameters, before, strict=True):
            np.testing.assert_array_equal(weight.numpy(), own)


def test_distributions_are_saved_as_plain_data():
    mixed = tfd.MixtureSameFamily(
        tfd.Categorical(logits=np.float32([0.1, 0.2])),
        tfd.MultivariateNormalDiag(
            np.float32(WELLS), np.ones((2, 2), "float32")
        ),
    )
    config = NoiseContrastiveEstimation(noise=mixed).get_config()
    again = NoiseContrastiveEstimation.from_config(config).noise
    np.testing.assert_array_equal(again.log_prob(X), mixed.log_prob(X))
    # Functions are code, which no file holds.
    joint = tfd.JointDistributionSequential(
        [tfd.Normal(0.0, 1.0), lambda x: tfd.Normal(x, 1.0)]
    )
    with pytest.raises(ValueError, match="made of numbers"):
        NoiseContrastiveEstimation(noise=joint).get_config()
    bad = {"noise": {"distribution": {"class": "system", "parameters": {}}}}
    with pytest.raises(ValueError, match="'system' is none of tfp.dist"):
        NoiseContrastiveEstimation.from_config(bad)
