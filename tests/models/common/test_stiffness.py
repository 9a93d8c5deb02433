"""Precisions learn while the means of their units are held."""

import itertools

import keras
import numpy as np
import pytest
from scipy.special import logsumexp

import genzoo
from genzoo.runtime import batch
from genzoo.units import Bernoulli, DoubleReLU, Gaussian, Spin

WIDE = "float64"
CASES = {
    "gaussian": lambda: Gaussian(3, dtype=WIDE),
    "double": lambda: DoubleReLU(3, dtype=WIDE),
    "beside bits": lambda: [
        Bernoulli(2, dtype=WIDE),
        Gaussian(3, dtype=WIDE),
        Bernoulli(1, dtype=WIDE),
    ],
}


def random_weights(model, seed=3):
    rng = np.random.default_rng(seed)
    for weight in model.parameters:
        weight.assign(rng.normal(0, 0.4, weight.shape))


def rows_of(model, n=9):
    rng = np.random.default_rng(5)
    x = rng.normal(0.3, 1, (n, model.visible.width))
    first = 0
    for block in model.visible.blocks():
        if isinstance(block, Bernoulli):
            x[:, first : first + block.width] = (
                rng.random((n, block.width)) < 0.5
            )
        first += block.width
    return x


def machine(name, centered=True):
    rbm = genzoo.RBM(
        CASES[name](),
        [Bernoulli(1, dtype=WIDE), Spin(1, dtype=WIDE)],
        centered=centered,
        seed=0,
        dtype=WIDE,
    )
    rbm.compile(optimizer=genzoo.optimizers.Falling())
    x = rows_of(rbm)
    rbm.adapt(x)
    random_weights(rbm)
    return rbm, x


def held(stiffness, precision, change):
    """Move one unit's log-precisions; all its means stay."""
    before = stiffness.release()
    for weight, own in precision:
        weight.assign(weight.numpy() + own * change)
    stiffness.hold(before)


@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_gradient_of_precisions_is_that_at_held_means(name, centered):
    rbm, x = machine(name, centered)
    # As if the data's mean were the origin: offsets of fields stay.
    rbm.offsets.visible.assign(np.zeros(rbm.visible.width))
    rbm.offsets.hidden.assign([0.3, 0.6])
    stiffness = rbm._stiffness()
    _, plain = rbm.rules.exact_gradients(keras.ops.convert_to_tensor(x))
    # They followed the mean hidden state of the batch by a percent.
    rbm.offsets.hidden.assign([0.3, 0.6])
    turned = stiffness.turned(rbm.parameters, plain)
    moved = [w for block in rbm.visible.blocks() for w in block.precisions]
    assert moved
    start = [w.numpy() for w in rbm.weights]
    for gradient, old, weight in zip(
        turned, plain, rbm.parameters, strict=True
    ):
        if all(weight is not other for other in moved):
            if not centered:
                np.testing.assert_array_equal(gradient, old)
            continue
        for unit in range(3):
            losses = []
            for change in (1e-5, -1e-5):
                own = np.zeros(3)
                own[unit] = 1
                held(rbm._stiffness(), [(weight, own)], change)
                losses.append(float(rbm.rules.exact_loss(x)))
                for w, value in zip(rbm.weights, start, strict=True):
                    w.assign(value)
            slope = (losses[0] - losses[1]) / 2e-5
            np.testing.assert_allclose(gradient[unit], slope, atol=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_gradient_of_the_kernel_is_that_at_held_odds(name):
    rbm, x = machine(name)
    c, d = np.linspace(-0.4, 0.7, rbm.visible.width), np.array([0.3, -0.6])
    rbm.offsets.visible.assign(c)
    rbm.offsets.hidden.assign(d)
    _, plain = rbm.rules.exact_gradients(keras.ops.convert_to_tensor(x))
    rbm.offsets.hidden.assign(d)
    turned = rbm._stiffness().turned(rbm.parameters, plain)
    kernel = rbm.kernel.numpy()
    logs = [
        np.mean([w.numpy() for w in block.precisions], axis=0)
        if block.precisions
        else np.full(block.width, np.inf)
        for block in rbm.visible.blocks()
    ]
    variance = np.exp(-np.concatenate(logs))
    visible = [block.bias for block in rbm.visible.blocks()]
    hidden = [block.bias for block in rbm.hidden.blocks()]

    def q():
        squares = np.square(rbm.kernel.numpy())
        return (np.array([0.5, 0.0]) - d) * (variance @ squares)

    def add(biases, change):
        first = 0
        for bias in biases:
            last = first + bias.shape[0]
            bias.assign(bias.numpy() + change[first:last])
            first = last

    start = [w.numpy() for w in rbm.weights]
    for place in np.ndindex(*kernel.shape):
        losses = []
        for change in (1e-5, -1e-5):
            before, moved = q(), np.zeros_like(kernel)
            moved[place] = change
            rbm.kernel.assign(kernel + moved)
            # The centred energy's biases are held, and the odds.
            add(visible, -moved @ d)
            add(hidden, -moved.T @ c + before - q())
            losses.append(float(rbm.rules.exact_loss(x)))
            for w, value in zip(rbm.weights, start, strict=True):
                w.assign(value)
        slope = (losses[0] - losses[1]) / 2e-5
        np.testing.assert_allclose(turned[0][place], slope, atol=1e-8)
    # A step is one of the held weights: biases follow.
    both = zip(rbm.parameters, turned, plain, strict=True)
    found = {id(w): after - before for w, after, before in both}
    turn = found[id(rbm.kernel)].numpy()
    assert np.abs(turn).max() > 1e-3
    for biases, shift in ((visible, turn @ d), (hidden, turn.T @ c)):
        own = np.concatenate([found[id(bias)] for bias in biases])
        np.testing.assert_allclose(own, -shift, atol=1e-12)


def test_gradient_of_a_conditional_model_is_that_at_held_means():
    rbm = genzoo.RBM(
        Gaussian(2, dtype=WIDE),
        Bernoulli(2, dtype=WIDE),
        condition=3,
        seed=0,
        dtype=WIDE,
    )
    rbm.compile(loss="exact_likelihood", optimizer=genzoo.optimizers.Falling())
    rng = np.random.default_rng(2)
    x, c = rng.normal(0, 1, (8, 2)), rng.normal(1, 2, (8, 3))
    rbm.adapt(x, condition=c)
    random_weights(rbm)
    rbm.offsets.hidden.assign([0.3, 0.6])
    # The reference is written anew: all states of the hidden units.
    states = np.array(list(itertools.product([0, 1], repeat=2)))
    u, s = rbm.visible.standardise(x).numpy(), rbm.links.states(c).numpy()

    def loss(log_precision):
        gain = np.exp(log_precision - at)
        a = gain * (rbm.visible.bias.numpy() + s @ rbm.links.to_visible.numpy())
        w = gain[:, None] * rbm.kernel.numpy()
        b = rbm.hidden.bias.numpy() + s @ rbm.links.to_hidden.numpy()
        p = np.exp(log_precision)
        field = a[:, None] + states @ w.T
        log_z = logsumexp(
            b @ states.T
            + (0.5 * field**2 / p + 0.5 * np.log(2 * np.pi / p)).sum(-1),
            axis=1,
        )
        own = (a * u - 0.5 * p * u**2).sum(1)
        own += np.logaddexp(0, b + u @ w).sum(1)
        return float(np.mean(log_z - own))

    at = rbm.visible.log_precision.numpy()
    given = batch.Batch(x, condition=c)
    _, plain = rbm.rules.exact_gradients(given)
    # It followed the mean hidden state of the batch by a percent.
    rbm.offsets.hidden.assign([0.3, 0.6])
    turned = rbm._stiffness().turned(rbm.parameters, plain)
    place = [w is rbm.visible.log_precision for w in rbm.parameters].index(True)
    for unit in range(2):
        change = np.eye(2)[unit] * 1e-5
        slope = (loss(at + change) - loss(at - change)) / 2e-5
        np.testing.assert_allclose(turned[place][unit], slope, atol=1e-8)


def test_a_step_of_precisions_leaves_the_means():
    rbm = genzoo.RBM(Gaussian(3), Bernoulli(4), seed=0)
    rbm.adapt(np.random.default_rng(0).normal(2, 3, (50, 3)))
    h = np.random.default_rng(1).integers(0, 2, (6, 4)).astype("float32")
    rbm.compile(optimizer=genzoo.optimizers.Falling())
    stiffness = rbm._stiffness()

    def means():
        return rbm.visible.mean(rbm._machine.visible_field(h)).numpy()

    before = means()
    held(stiffness, [(rbm.visible.log_precision, np.ones(3))], 1.7)
    np.testing.assert_allclose(means(), before, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("which", ["adam", "fixed", "frozen", "averaged"])
def test_weights_learn_as_they_are_where_means_are_not_held(which):
    fixed = {"variance": 2.0} if which == "fixed" else {}
    rbm = genzoo.RBM(Gaussian(3, **fixed), Bernoulli(4), seed=0)
    if which == "frozen":
        rbm.kernel.trainable = False
    optimizer = genzoo.optimizers.Falling(use_ema=which == "averaged")
    rbm.compile(optimizer="adam" if which == "adam" else optimizer)
    assert rbm._stiffness() is None


@pytest.mark.parametrize("seed", [0, 1])
def test_two_modes_without_correlations_are_found_by_default(seed):
    rng = np.random.default_rng(4)
    x = rng.choice([-3.0, 3.0], (1200, 1)) + 0.5 * rng.normal(size=(1200, 1))
    rbm = genzoo.RBM(Gaussian(1), Bernoulli(8), seed=seed)
    rbm.compile()
    rbm.fit(x[:800], epochs=10, verbose=0)
    truth = logsumexp(
        [-0.5 * ((x[800:] - m) / 0.5) ** 2 for m in (-3, 3)], axis=0
    ) - np.log(2 * 0.5 * np.sqrt(2 * np.pi))
    # One Gaussian has 1.05 nats less.
    assert rbm.log_prob(x[800:]).mean() > truth.mean() - 0.12


def test_a_narrow_regression_is_learned_by_default():
    rng = np.random.default_rng(0)
    c = rng.normal(size=(900, 1))
    y = 6 * c + 0.1 * rng.normal(size=(900, 1))
    rbm = genzoo.RBM(Gaussian(1), Bernoulli(4), condition=1, seed=0)
    rbm.compile()
    rbm.fit(y[:600], condition=c[:600], epochs=30, verbose=0)
    truth = -np.log(0.1 * np.sqrt(2 * np.pi * np.e))
    found = rbm.log_prob(y[600:], condition=c[600:]).mean()
    assert found > truth - 0.1


def test_a_deep_machine_finds_two_modes_by_default():
    rng = np.random.default_rng(4)
    x = rng.choice([-3.0, 3.0], (1200, 1)) + 0.5 * rng.normal(size=(1200, 1))
    dbm = genzoo.DeepBoltzmannMachine(
        [Gaussian(1), Bernoulli(8), Bernoulli(4)], seed=0
    )
    dbm.compile()
    dbm.fit(x, epochs=10, verbose=0)
    drawn = dbm.sample(2000, seed=0)[:, 0]
    # A Gaussian has 0.26 of its mass within 1 of the middle, the data none.
    assert np.mean(np.abs(drawn) < 1) < 0.05
    assert 0.3 < np.mean(drawn > 0) < 0.7


def test_two_replicas_hold_the_means_that_one_device_holds(two):
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [rng.random((75, 2)) < 0.4, rng.normal(2, 3, (75, 2))], axis=1
    )

    def make():
        rbm = genzoo.RBM([Bernoulli(2), Gaussian(2)], Bernoulli(3), seed=1)
        rbm.compile(watch=False)
        return rbm

    alone = make()
    alone.fit(x, batch_size=20, epochs=2, verbose=0)
    with two.scope():
        both = make()
    both.fit(x, batch_size=20, epochs=2, verbose=0)
    for one, other in zip(alone.parameters, both.parameters, strict=True):
        np.testing.assert_allclose(
            other.numpy(), one.numpy(), rtol=1e-4, atol=2e-5
        )


def test_a_fit_that_was_interrupted_ends_as_one_that_was_not(tmp_path):
    x = np.random.default_rng(0).normal(2, 3, (60, 2)).astype("float32")

    def fitted(*callbacks):
        rbm = genzoo.RBM(Gaussian(2), Bernoulli(3), seed=1)
        rbm.compile()
        options = {"batch_size": 20, "epochs": 4, "verbose": 0}
        rbm.fit(x, callbacks=list(callbacks), **options)
        return rbm.get_weights()

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
    whole = fitted()
    with pytest.raises(KeyboardInterrupt):
        fitted(backup, Stop())
    resumed = fitted(keras.callbacks.BackupAndRestore(str(tmp_path / "backup")))
    for one, other in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_rare_mode_far_away_is_learned_by_default():
    # With the biases held alone: -5.07 nats after as many epochs.
    rng = np.random.default_rng(0)
    far = rng.random((1000, 1)) < 0.1
    x = np.where(far, 30.0, 0.0) + rng.normal(size=(1000, 2))
    rbm = genzoo.RBM(Gaussian(2), Bernoulli(8), seed=0)
    rbm.compile(steps_per_execution=25)
    rbm.fit(x, epochs=30, verbose=0)
    share = np.array([0.9, 0.1])
    entropy = -share @ np.log(share) + np.log(2 * np.pi * np.e)
    assert rbm.log_prob(x).mean() > -entropy - 0.2
