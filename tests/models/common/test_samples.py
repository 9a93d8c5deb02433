"""Samples agree with log_prob, or a warning says that they may not."""

import functools
import itertools
import warnings

import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import assert_chi_square, count_states

import genzoo as gz
from genzoo.models.common import energy_based_model
from genzoo.models.common.agreement import compare
from genzoo.partition import bipartite
from genzoo.runtime import random
from genzoo.samplers import gibbs

N = 400


def rbm_of(kernel, a, b):
    rbm = gz.RBM(gz.units.Bernoulli(len(a)), gz.units.Bernoulli(len(b)))
    rbm.adapted.assign(1)
    rbm.kernel.assign(kernel)
    rbm.visible.bias.assign(a)
    rbm.hidden.bias.assign(b)
    return rbm


def mixture(first, second, share, hidden=30, copies=1):
    """p(v) = sum over modes of independent bits with these fields.

    Some equal hidden units lead from the first to the second fields; with one
    the second has exactly this share. Else the shares of the two ends, without
    what lies between, are as these.
    """
    first, second = np.broadcast_arrays(first, second)
    softplus = functools.partial(np.logaddexp, 0)
    kernel = np.zeros((len(first), hidden))
    kernel[:, :copies] = (second - first)[:, None] / copies
    odds = np.log(share / (1 - share))
    odds += softplus(first).sum() - softplus(second).sum()
    bias = np.zeros(hidden)
    bias[:copies] = odds / copies
    return rbm_of(kernel, first, bias)


def warned(rbm, **options):
    """(samples, whether there was a warning)."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        x = rbm.sample(N, seed=1, **options)
    return x, ["do not forget" in str(each.message) for each in found]


def half(x):
    return x[:, 0] < 0.5


# Modes that block Gibbs sampling never joins, of a size that is not summed.
MODES = {
    "narrow beside wide": (np.zeros(30), np.full(30, 6.0), 0.47),
    "rare and narrow": (np.zeros(30), np.full(30, 12.0), 0.05),
    "opposite": (np.full(30, 5.0), np.full(30, -5.0), 0.3),
    "alike in half": (
        np.repeat([5.0, 0.0], 15),
        np.repeat([-5.0, 0.0], 15),
        0.6,
    ),
}


@pytest.mark.parametrize("name", MODES)
def test_modes_of_models_without_a_sum_have_their_shares(name):
    first, second, share = MODES[name]
    rbm = mixture(first, second, share)
    x, warnings_of = warned(rbm, method="chains", steps=200)
    log_odds = x @ (second - first) + np.sum(
        np.logaddexp(0, first) - np.logaddexp(0, second)
    )
    found = np.mean(log_odds > 0)
    error = np.sqrt(share * (1 - share) / N)
    assert abs(found - share) < 4 * error
    assert not warnings_of


def test_modes_that_nothing_joins_are_a_warning():
    # Ten units that must move together hold a mode.
    ends = np.full(40, 6.0), np.full(40, -6.0)
    rbm = mixture(*ends, 0.4, copies=10)
    x, warnings_of = warned(rbm, method="chains", steps=100)
    found = np.mean(half(x))
    error = np.sqrt(0.4 * 0.6 / N)
    assert abs(found - 0.4) < 3 * error or any(warnings_of)
    # Once only, and with what to do.
    with pytest.warns(UserWarning, match=r"Take more steps, as steps=1000"):
        rbm.sample(50, seed=0, method="chains", steps=100)


def test_chains_that_mix_are_no_warning():
    rng = np.random.default_rng(0)
    rbm = rbm_of(rng.normal(size=(30, 28)) * 0.2, np.zeros(30), np.zeros(28))
    _, warnings_of = warned(rbm, method="chains", steps=100)
    assert not warnings_of


@pytest.mark.parametrize(
    ("visible", "hidden"),
    [
        (functools.partial(gz.units.Bernoulli, 10), 10),
        (functools.partial(gz.units.Spin, 4), 12),
        (functools.partial(gz.units.Categorical, 3, 3), 2),
    ],
    ids=["even", "visible smaller", "hidden smaller"],
)
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_small_models_are_drawn_exactly(visible, hidden, temperature):
    rbm = gz.RBM(visible(), gz.units.Bernoulli(hidden), seed=0)
    rbm.adapted.assign(1)
    rng = np.random.default_rng(5)
    for weight in rbm.parameters:
        weight.assign(rng.normal(size=weight.shape))
    # Strong enough that chains would hardly move.
    rbm.kernel.assign(2.5 * rbm.kernel.value)
    v = rbm.visible.states(0, rbm.visible.state_count, "float64").numpy()
    h = np.array(list(itertools.product([0, 1], repeat=hidden)))
    log_w = (
        (v @ rbm.visible.bias.numpy())[:, None]
        + h @ rbm.hidden.bias.numpy()
        + v @ rbm.kernel.numpy() @ h.T
    )
    log_w = np.logaddexp.reduce(log_w / temperature, axis=1)
    p = np.exp(log_w - np.logaddexp.reduce(log_w))
    if temperature == 1:
        x = rbm._unflatten(tf.constant(v, tf.float32)).numpy()
        np.testing.assert_allclose(np.exp(rbm.log_prob(x)), p, atol=1e-4)
    x = rbm.sample(20_000, seed=2, temperature=temperature)
    x = rbm.visible.space.flatten(tf.constant(x))
    assert_chi_square(count_states(x, v), p)


def test_a_temperature_is_that_of_both_layers_for_chains_too():
    rng = np.random.default_rng(6)
    rbm = rbm_of(
        rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=3)
    )
    v = np.array(list(itertools.product([0, 1], repeat=4)))
    h = np.array(list(itertools.product([0, 1], repeat=3)))
    n, m = len(v), len(h)
    energy = rbm.joint_energy(
        np.repeat(v, m, axis=0), np.tile(h, (n, 1))
    ).reshape(n, m)
    for options in ({}, {"start": "random"}):
        x = rbm.sample(4000, 3, 60, temperature=2.0, method="chains", **options)
        p = np.exp(-energy / 2.0).sum(axis=1)
        assert_chi_square(count_states(x, v), p / p.sum())


@pytest.mark.parametrize("method", ["exact", "chains", "random"])
def test_rows_do_not_depend_on_how_they_are_divided(method, monkeypatch):
    rng = np.random.default_rng(7)
    rbm = rbm_of(rng.normal(size=(6, 5)), np.zeros(6), np.zeros(5))
    options = {"method": method, "steps": 20}
    if method == "random":
        options = {"start": "random", "steps": 20}
    whole = rbm.sample(600, seed=4, **options)
    np.testing.assert_array_equal(rbm.sample(50, 4, **options), whole[:50])
    monkeypatch.setattr(energy_based_model, "_DRAWN_ELEMENTS", 11 * 128)
    np.testing.assert_array_equal(rbm.sample(600, 4, **options), whole)


def test_sums_in_parts_are_the_same(monkeypatch):
    rng = np.random.default_rng(8)
    layers = rbm_of(
        rng.normal(size=(9, 7)), np.zeros(9), np.zeros(7)
    )._machine.layers()
    whole = layers.cumulative().numpy()
    monkeypatch.setattr(bipartite, "_DRAWN_ELEMENTS", 9 * 50)
    np.testing.assert_allclose(layers.cumulative(), whole, rtol=1e-12)
    assert whole.shape == (128,)


@pytest.mark.parametrize("hidden", [4, 30])
def test_exports_draw_as_sample_does(hidden, tmp_path):
    # Four hidden units are summed over, 30 are not.
    rng = np.random.default_rng(9)
    kernel = rng.normal(size=(30, hidden))
    rbm = rbm_of(kernel, rng.normal(size=30), np.zeros(hidden))
    rbm.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "served"))
    key = tf.constant([5, 6], tf.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = rbm.sample(40, seed=(5, 6), steps=30)
    drawn = served.sample(tf.constant(40), key, tf.constant(30))
    np.testing.assert_array_equal(drawn, expected)


def test_what_a_model_cannot_do_is_refused_by_name():
    wide = rbm_of(np.zeros((40, 40)), np.zeros(40), np.zeros(40))
    with pytest.raises(ValueError, match="method is 'exact', but there is no"):
        wide.sample(3, method="exact")
    with pytest.raises(ValueError, match="method"):
        wide.sample(3, method="gibs")
    with pytest.raises(ValueError, match="start is where chains begin"):
        wide.sample(3, method="exact", start="random")
    with pytest.raises(ValueError, match="temperature"):
        wide.sample(3, temperature=0.0)


def test_sweeps_unit_by_unit_leave_the_distribution_and_join_modes():
    rng = np.random.default_rng(10)
    visible, hidden = gz.units.Categorical(2, 3), gz.units.Spin(3)
    for unit in (visible, hidden):
        unit.bias.assign(rng.normal(size=unit.width))
    kernel = tf.constant(rng.normal(size=(6, 3)) * 3, tf.float32)
    layers = bipartite.Layers(visible, hidden, kernel)
    states = visible.states(0, 9, "float32")
    log_w = visible.potential(states) + hidden.log_cumulant(
        layers.hidden_field(states)
    )
    p = tf.nn.softmax(tf.cast(log_w, tf.float64)).numpy()
    x = tf.gather(states, rng.choice(9, 20_000, p=p))
    sweep = gibbs.collapsed_gibbs(visible, hidden, kernel)
    assert_chi_square(count_states(sweep(random.as_seed(1), x), states), p)
    # From one state only, too.
    x = tf.repeat(states[:1], 20_000, axis=0)
    for number in range(60):
        x = sweep(random.as_seed((2, number)), x)
    assert_chi_square(count_states(x, states), p)


def test_starts_are_compared_by_energy_and_by_place():
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=(128, 5)), rng.normal(size=(32, 5))
    energy = functools.partial(np.sum, axis=1)
    alike = compare((x, energy(x)), (y, energy(y)))
    assert alike.holds(settled=True)
    # Elsewhere, with the same energies.
    apart = compare((x, energy(x)), (y + [9, -9, 0, 0, 0], energy(y)))
    assert apart.apart > 0.9
    assert not apart.holds(settled=False)
    # A third of them elsewhere, which is less than half of their neighbours.
    some = y + np.where(np.arange(32)[:, None] % 3, 0.0, [9, -9, 0, 0, 0])
    missed = compare((x, energy(x)), (some, energy(some)))
    assert missed.lone == pytest.approx(11 / 32, abs=0.07)
    assert missed.holds(settled=False)
    assert not missed.holds(settled=True)
    # Where samples are there as well, if only half as often, it holds.
    few = np.where(np.arange(128)[:, None] % 6, x, x + [9, -9, 0, 0, 0])
    assert compare((few, energy(few)), (some, energy(some))).holds(True)
    # All at one place, where half of the samples are too.
    held = np.zeros_like(y)
    both = np.where(np.arange(128)[:, None] % 2, x, 0.0)
    assert compare((both, energy(both)), (held, energy(held))).holds(False)
    # In the same place, with other energies.
    far = compare((x, energy(x)), (y, energy(y) + 20))
    assert far.r_hat > 2
    assert not far.holds(settled=True)
