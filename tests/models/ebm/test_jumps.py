"""Jumps of chains leave the model's distribution as it is."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import genzoo as gz
from genzoo.models.ebm.jumps import Jumps, resampled
from genzoo.runtime import distribute, random
from genzoo.spaces import (
    Angle,
    Binary,
    Categorical,
    Counts,
    Interval,
    Product,
    Real,
)

RNG, ENDS = np.random.default_rng(11), np.random.default_rng(12)
TAILS = np.random.default_rng(13)
RARE = np.random.default_rng(14)
_KIND = RNG.integers(0, 3, (60, 1))
CASES = {
    "hours": (
        Product([Categorical([0, 1, 4]), Angle(1, period=24, low=0)]),
        np.hstack(
            [
                np.array([0, 1, 4])[_KIND],
                (8 * _KIND + RNG.normal(23, 1, (60, 1))) % 24,
            ]
        ),
    ),
    "counts": (Counts(None), RNG.poisson(4 + 40 * (_KIND > 0))),
    "marks": (Interval(0, 100), np.minimum(ENDS.normal(90, 12, (60, 1)), 100)),
    "takings": (
        Interval(0, None, 2),
        np.maximum(ENDS.normal(-1, 3, (60, 1)) + ENDS.normal(0, 1, (60, 2)), 0),
    ),
    "debts": (Interval(None, 3), np.minimum(ENDS.normal(2, 4, (60, 1)), 3)),
    "returns": (
        Real(2),
        TAILS.standard_t(2, (400, 2)) + TAILS.standard_t(1, (400, 1)) + 5,
    ),
    "claims": (Interval(0, None), np.exp(2 * TAILS.normal(size=(400, 1)))),
    "broken rows": (
        Real(3),
        RARE.normal(size=(200, 3))
        * np.where(np.arange(200) < 6, 25, 1)[:, None]
        + [0, 40, -3],
    ),
    "rare loads": (
        Interval(0, 1000),
        np.hstack([RARE.gamma(2, 4, 194), RARE.uniform(300, 990, 6)])[:, None],
    ),
    "rare crowds": (
        Counts(None, 2),
        RARE.poisson(np.where(np.arange(200) < 6, 90, 3)[:, None], (200, 2)),
    ),
    "rare nights": (
        Angle(2),
        np.where(np.arange(200) < 4, 2.5, -1)[:, None]
        + 0.2 * RARE.normal(size=(200, 2)),
    ),
    "bits": (Binary(4), RNG.integers(0, 2, (60, 4)) & (_KIND > 0)),
    "mixed": (
        Product([Categorical([0, 1, 2]), Real(1)]),
        np.hstack([_KIND, 2.0 * _KIND + RNG.normal(0, 0.3, (60, 1))]),
    ),
}


class _Tilted:
    """A reference, tilted by a wave: an energy with several modes."""

    def __init__(self, space, reference):
        self.space, self.reference = space, reference

    def units(self, dtype):
        return self.reference.units(dtype)[1]

    def __call__(self, x):
        wave = tf.reduce_sum(tf.sin(1.3 * self.reference.standardised(x)), 1)
        return -1.5 * wave - self.reference.log_prob(x)


@pytest.mark.parametrize("name", CASES)
def test_jumps_leave_a_distribution_as_it_is(name):
    space, x = CASES[name]
    model = gz.EnergyModel(space, seed=0)
    model.adapt(x)
    energy = _Tilted(space, model.sites)
    # Exact draws: of the reference, chosen by their weights.
    pool = model.sites.sample(20_000, random.as_seed(5))
    weight = -energy(pool) - model.sites.log_prob(pool)
    weight = np.exp(weight.numpy().astype(float) - float(tf.reduce_max(weight)))
    generator = np.random.default_rng(6)
    chosen = generator.choice(
        len(pool), 3000, p=weight / weight.sum(), replace=True
    )
    start = tf.gather(pool, chosen)
    jumps, rows = Jumps(energy), tf.constant(x, tf.float32)

    jumped = tf.function(
        lambda states, key: jumps(states, rows, random.as_seed(key))
    )
    end = start
    for number in range(8):
        end = jumped(end, random.as_seed(number).key)
    end = end.numpy()
    assert (end != start.numpy()).any(axis=1).mean() > 0.2
    for site in range(space.width):
        before, after = start.numpy()[:, site], end[:, site]
        cuts = np.unique(np.quantile(before, np.linspace(0, 1, 12)[1:-1]))
        table = [
            np.bincount(np.searchsorted(cuts, part), minlength=len(cuts) + 1)
            for part in (before, after)
        ]
        table = np.array(table)[:, np.sum(table, axis=0) > 10]
        assert stats.chi2_contingency(table).pvalue > 1e-3, (name, site, table)


def test_modes_in_sites_of_all_kinds_are_learned():
    # Three, in a category and an angle at once: without jumps of all sites
    # the loss went from 1.8 up to 2.5 in the later epochs.
    generator = np.random.default_rng(1)
    kind = generator.integers(0, 3, (800, 1))
    angle = 2 * kind + 0.3 * generator.normal(size=(800, 1))
    x = np.hstack([kind, (angle + np.pi) % (2 * np.pi) - np.pi])
    model = gz.EnergyModel(Product([Categorical([0, 1, 2]), Angle(1)]), seed=0)
    model.compile()
    loss = model.fit(x, epochs=8, verbose=0).history["loss"]
    assert loss[-1] < min(loss) + 0.1 < 1.8


def test_chains_of_bits_pass_a_barrier_of_36_nats():
    space = Binary(12)
    x = np.repeat([[0.0], [1.0]] * 32, 12, axis=1)
    inputs = keras.Input(space.event_shape)
    excess = keras.ops.sum(inputs, axis=1, keepdims=True) - 6
    model = gz.EnergyModel(space, keras.Model(inputs, -(excess**2)), seed=0)
    model.adapt(x)
    states = tf.zeros((256, 12))
    for step in range(30):
        seed = random.as_seed((1, step))
        states = model.rules.contrast(x, states, 1, seed, jumps=True).states
    many = np.sum(states, axis=1) > 6
    # Both modes weigh as much; 5 deviations of 256 chains.
    assert abs(many.mean() - 0.5) < 5 * 0.5 / 16


def test_chains_are_drawn_as_often_as_their_weights_say():
    states = tf.reshape(tf.range(5.0), (5, 1))
    share = np.array([0.1, 0.36, 0.0, 0.5, 0.04])
    copies = np.array(
        [
            np.bincount(
                resampled(states, tf.math.log(share), random.as_seed(seed))
                .numpy()[:, 0]
                .astype(int),
                minlength=5,
            )
            for seed in range(400)
        ]
    )
    assert np.all(copies >= np.floor(5 * share))
    assert np.all(copies <= np.ceil(5 * share))
    np.testing.assert_allclose(copies.mean(axis=0), 5 * share, atol=0.09)


def test_equal_weights_leave_chains_as_they_are():
    states = tf.random.stateless_normal((97, 3), [1, 2])
    for level in (0.0, -7e3, 1e-3):
        same = resampled(states, tf.fill(97, level), random.as_seed(3))
        np.testing.assert_array_equal(same, states)


def test_two_replicas_draw_the_chains_that_one_device_draws(two):
    states = np.arange(24, dtype="float32").reshape(12, 2)
    change = np.random.default_rng(0).normal(size=12).astype("float32")
    alone = resampled(states, tf.constant(change), random.as_seed(4))

    def on_each():
        first = 6 * distribute.replica_id()
        own = slice(first, first + 6)
        seed = random.as_seed(4).at_row(first)
        return resampled(
            tf.constant(states)[own], tf.constant(change)[own], seed
        )

    parts = two.experimental_local_results(two.run(tf.function(on_each)))
    np.testing.assert_array_equal(np.concatenate(parts), alone)


def test_chains_of_one_model_become_those_of_the_next():
    """Without a move: against the sum over all states of both."""
    models = [
        gz.EnergyModel(gz.spaces.Binary(4), reference=None, seed=seed)
        for seed in (0, 1)
    ]
    for model in models:
        model.compile()
        *_, last = [w for w in model.parameters if w.name == "kernel"]
        last.assign(RNG.normal(size=last.shape) / 2)
    model, other = models
    chains = tf.constant(model.sample(20_000, seed=2), tf.float32)
    follow = model._rules.followed(chains, random.as_seed(5))
    for weight, value in zip(model.parameters, other.parameters, strict=True):
        weight.assign(value)
    found = follow().numpy()
    states = model.space.states()
    p = np.exp(other.log_prob(states))
    before = np.exp(-other.energy(states))
    assert np.abs(p - before / before.sum()).max() < 1e-5
    code = 2 ** np.arange(4)
    counts = np.bincount((found @ code).astype(int), minlength=16)
    expected = np.zeros(16)
    expected[(states @ code).astype(int)] = p
    assert np.abs(counts / 20_000 - expected).max() < 0.02
    # They were of another.
    first = np.bincount((chains.numpy() @ code).astype(int), minlength=16)
    assert np.abs(first / 20_000 - expected).max() > 0.05


def test_opposite_patterns_keep_their_shares():
    """Of 30 bits the share of a mode once swung from 0 to .98."""
    generator = np.random.default_rng(6)
    second = generator.random((1000, 1)) < 0.25
    x = generator.random((1000, 16)) < np.where(second, 0.06, 0.94)
    x = x.astype("uint8")
    model = gz.EnergyModel(gz.spaces.Binary(16), seed=0)
    model.compile(watch=False, steps_per_execution=32)
    model.fit(x, batch_size=32, epochs=8, verbose=0)
    ones = x.sum(axis=1)[:, None].astype(float)
    patterns = np.array([0.94, 0.06])
    law = ones * np.log(patterns) + (16 - ones) * np.log(1 - patterns)
    truth = np.logaddexp(*(law + np.log([0.75, 0.25])).T).mean()
    assert model.log_prob(x).mean() > truth - 0.4
    states = model.space.states()
    p = np.exp(model.log_prob(states))
    assert abs(p[states.mean(axis=1) < 0.5].sum() - 0.25) < 0.06
