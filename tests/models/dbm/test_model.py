"""Deep machines against sums over all states of all layers, in NumPy."""

import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo import units
from genzoo.models.dbm import pretraining
from genzoo.runtime import batch, random

WIDE = {"dtype": "float64"}
# Of each layer: the units, and what one of them may be.
BIT, SPIN = [[0.0], [1.0]], [[-1.0], [1.0]]
THREE = np.eye(3).tolist()
LAYERS = {
    "bits": [(units.Bernoulli, 4, BIT), (units.Bernoulli, 3, BIT)] * 1
    + [(units.Bernoulli, 3, BIT)],
    "four": [
        (units.Categorical, 2, THREE),
        (units.Spin, 3, SPIN),
        (units.Bernoulli, 2, BIT),
        (units.Spin, 2, SPIN),
    ],
}


def _unit(kind, size):
    return (
        kind(size, 3, **WIDE)
        if kind is units.Categorical
        else kind(size, **WIDE)
    )


class Listed:
    """A small machine, with all that follows from a list of its states."""

    def __init__(self, name, scale=1.0):
        rng = np.random.default_rng(3)
        layers = [_unit(kind, size) for kind, size, _ in LAYERS[name]]
        widths = [unit.width for unit in layers]
        self.kernels = [
            scale * rng.normal(size=shape)
            for shape in zip(widths[:-1], widths[1:], strict=True)
        ]
        self.biases = [0.5 * rng.normal(size=width) for width in widths]
        self.model = gz.DeepBoltzmannMachine.from_weights(
            self.kernels, self.biases, layers, seed=1, **WIDE
        )
        self.states = [
            np.array([sum(s, []) for s in itertools.product(of, repeat=n)])
            for _, n, of in LAYERS[name]
        ]
        # log of the sum over all layers above, from the last one down.
        above = 0.0
        for kernel, bias, state, upper in zip(
            self.kernels[::-1],
            self.biases[:0:-1],
            self.states[-2::-1],
            self.states[:0:-1],
            strict=True,
        ):
            joint = state @ kernel @ upper.T + (upper @ bias + above)
            above = np.logaddexp.reduce(joint, axis=1)
        self.x = self.states[0]
        log_w = self.x @ self.biases[0] + above
        self.log_z = np.logaddexp.reduce(log_w)
        self.log_p = log_w - self.log_z
        self.mean = np.exp(self.log_p) @ self.x


@pytest.fixture(scope="module", params=LAYERS)
def listed(request):
    return Listed(request.param)


def test_sums_are_those_over_all_states(listed):
    model, x = listed.model, listed.x
    np.testing.assert_allclose(model.log_partition().value, listed.log_z)
    np.testing.assert_allclose(model.log_prob(x), listed.log_p, rtol=1e-10)
    np.testing.assert_allclose(
        -model.energy(x) - listed.log_z, listed.log_p, rtol=1e-10
    )
    assert (model.bound(x) <= listed.log_p + 1e-12).all()
    # Not so far below that it would tell nothing.
    assert (model.bound(x) > listed.log_p - 1).all()
    annealed = model.log_partition("ais", chains=200, temperatures=200)
    assert abs(annealed.value - listed.log_z) < 5 * annealed.stderr
    model.log_partition()


def test_the_bound_is_log_p_without_couplings():
    flat = Listed("four", scale=0.0)
    np.testing.assert_allclose(flat.model.bound(flat.x), flat.log_p)


def test_the_other_block_is_summed_over_where_it_is_smaller():
    """More odd units than others, so that the layers 2, 4, ... are listed."""
    model = gz.DeepBoltzmannMachine.from_weights(
        [np.ones((2, 24)) / 4, np.ones((24, 3)) / 5]
    )
    assert model._machine.sums_over == "rest"
    h = np.array(list(itertools.product((0, 1), repeat=3)))
    x = np.array([[0, 0], [1, 0], [1, 1]])
    field = x.sum(1)[:, None] / 4 + h.sum(1) / 5
    expected = np.logaddexp.reduce(24 * np.logaddexp(0, field), axis=1)
    np.testing.assert_allclose(-model.energy(x), expected, rtol=1e-5)


def test_samples_are_those_of_the_distribution():
    listed, n = Listed("four"), 4000
    spread = np.sqrt(np.exp(listed.log_p) @ listed.x**2 - listed.mean**2)
    for options in ({"seed": 0}, {"seed": 1, "method": "chains", "steps": 40}):
        x = listed.model.sample(n, **options)
        assert (np.abs(x.mean(0) - listed.mean) < 5 * spread / n**0.5).all()


def test_chains_leave_the_model_as_it_is(listed):
    machine = listed.model._machine
    n = 6000
    odd = machine.layers().exact_hidden(n, random.as_seed(5))
    even = machine.walk(odd, random.as_seed(6), 3).numpy()
    own = even[:, : listed.x.shape[1]]
    which = (own[:, None] == listed.x).all(2).argmax(1)
    counts = np.bincount(which, minlength=len(listed.x))
    expected = n * np.exp(listed.log_p)
    chi = np.sum((counts - expected) ** 2 / expected)
    freedom = len(expected) - 1
    assert abs(chi - freedom) < 5 * np.sqrt(2 * freedom)


def test_what_is_unknown_is_summed_over(listed):
    model, x = listed.model, listed.x[:7]
    mask = np.ones(x.shape, bool)
    first = 3 if x.shape[1] == 6 else 2
    mask[:, :first] = False
    model.log_partition()
    found = model.log_marginal(x, mask)
    agrees = (listed.x[None, :, first:] == x[:, None, first:]).all(2)
    p = np.exp(listed.log_p)
    np.testing.assert_allclose(found.value, np.log(agrees @ p), rtol=1e-9)
    mean = (agrees * p) @ listed.x / (agrees @ p)[:, None]
    mean[:, first:] = x[:, first:]
    np.testing.assert_allclose(model.conditional_mean(x, mask), mean)
    gaps = batch.make(tf.constant(x), seen=tf.constant(mask))
    bound = -model.rules.marginal_energy(gaps).numpy() - listed.log_z
    assert (bound <= found.value + 1e-12).all()
    assert (bound > found.value - 2).all()


# Gradients --------------------------------------------------------------------


def _deep(layers, **options):
    model = gz.DeepBoltzmannMachine(layers, seed=1, **WIDE, **options)
    rng = np.random.default_rng(2)
    for weight in model.parameters:
        weight.assign(0.4 * rng.normal(size=weight.shape))
    model._set_offsets(None)
    return model


def _machines():
    rng = np.random.default_rng(0)
    bits = (rng.random((5, 4)) < 0.5).astype("float64")
    yield (
        [units.Bernoulli(4, **WIDE), units.Spin(3, **WIDE)]
        + [units.Bernoulli(2, **WIDE)],
        bits,
        None,
    )
    one_hot = np.eye(3)[[0, 1, 2, 1, 0]]
    seen = rng.random((5, 5)) < 0.5
    seen[:, :3] = seen[:, :1]
    yield (
        [
            [units.Categorical(1, 3, **WIDE), units.Spin(2, **WIDE)],
            [units.Spin(1, **WIDE), units.Bernoulli(2, **WIDE)],
            units.Binomial(2, trials=3, **WIDE),
            units.Bernoulli(2, **WIDE),
            units.Bernoulli(1, **WIDE),
        ],
        np.concatenate([one_hot, 2 * bits[:, :2] - 1], axis=1),
        seen,
    )
    yield (
        [
            units.Gaussian(3, learn_variance=True, **WIDE),
            units.Bernoulli(3, **WIDE),
            units.Gaussian(2, learn_variance=True, **WIDE),
        ],
        rng.normal(size=(5, 3)),
        rng.random((5, 3)) < 0.7,
    )


def _to_centred(model, plain):
    """J' of a list in the order of parameters, by layers; see below."""
    kernels, biases, rest, offsets = _by_layer(model, plain)
    for lower in range(len(kernels)):
        kernels[lower] = (
            kernels[lower]
            - np.outer(biases[lower], offsets[lower + 1])
            - np.outer(offsets[lower], biases[lower + 1])
        )
    return kernels, biases, rest, offsets


def _by_layer(model, values):
    """(kernels, biases, others by name, offsets) of a list of values."""
    of = {
        id(weight): np.asarray(value)
        for weight, value in zip(model.parameters, values, strict=True)
    }
    kernels = [of.pop(id(kernel)) for kernel in model.kernels]
    biases = [
        np.concatenate([of.pop(id(block.bias)) for block in unit.blocks()])
        for unit in model.units
    ]
    offsets: list = [None] * len(model.units)
    for first, joint in enumerate(
        (model.offsets.visible, model.offsets.hidden)
    ):
        widths = [unit.width for unit in model.units[first::2]]
        offsets[first::2] = np.split(joint.numpy(), np.cumsum(widths)[:-1])
    return kernels, biases, of, offsets


def _from_centred(model, kernels, biases, rest, offsets):
    """The list of J u: what centred parameters move."""
    biases = [bias.copy() for bias in biases]
    for lower, kernel in enumerate(kernels):
        biases[lower] -= kernel @ offsets[lower + 1]
        biases[lower + 1] -= offsets[lower] @ kernel
    found = dict(rest)
    found |= {id(w): v for w, v in zip(model.kernels, kernels, strict=True)}
    for unit, bias in zip(model.units, biases, strict=True):
        widths = [block.width for block in unit.blocks()]
        parts = np.split(bias, np.cumsum(widths)[:-1])
        for block, part in zip(unit.blocks(), parts, strict=True):
            found[id(block.bias)] = part
    return [found[id(weight)] for weight in model.parameters]


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("judged", [False, True])
def test_gradients_are_those_of_the_bound(number, centered, judged):
    """Along random directions, by finite differences of energies.

    With centred parameters u, `theta = J u`, the gradient that is descended
    is `J J' g` of the plain one g: its product with w is the derivative along
    `J J' w`.
    """
    layers, x, seen = list(_machines())[number]
    model = _deep(layers, centered=centered)
    rules, machine = model.rules, model._machine
    rng = np.random.default_rng(4)
    weight = tf.constant(rng.random(5) + 0.5)
    seen = None if seen is None else tf.constant(seen)
    data = batch.make(tf.constant(x), weight, seen)
    even = np.asarray(
        machine.visible.sample(
            tf.zeros((6, machine.visible.width), "float64"), random.as_seed(4)
        )
    )
    even = tf.constant(even, "float64")
    tight = {"sweeps": 500, "tolerance": 1e-12}
    shares = (
        batch.shares(data, "float64"),
        tf.fill([6], tf.reduce_sum(weight) / 30),
    )
    factors, each = None, (1.0, 1.0)
    if judged:
        # Of both the sum is the same, as a judge has it.
        factors = each = 0.4, tf.constant([0.9, -0.1, 0.0, 1.1, 0.3, 0.2])

    @tf.function
    def objective():
        _, found = rules.infer(data, **tight)
        return batch.weighed(
            shares[0] * each[0], rules._energy(data, found)
        ) - batch.weighed(
            shares[1] * tf.cast(each[1], "float64"), machine.energy(even)
        )

    v, found = rules.infer(data, **tight)
    phases = (
        [
            machine.even_statistics(v, found),
            machine.hidden.mean_statistics(found.odd_field),
        ],
        [
            machine.visible.statistics(even),
            machine.hidden.mean_statistics(machine.hidden_field(even)),
        ],
    )
    gradients = rules._gradients(phases, shares, factors)
    start = [weight.numpy() for weight in model.parameters]
    for _ in range(3):
        w = [rng.normal(size=value.shape) for value in start]
        along = w
        if centered:
            along = _from_centred(model, *_to_centred(model, w))
        values = []
        for step in (1e-5, -1e-5):
            for own, at, way in zip(
                model.parameters, start, along, strict=True
            ):
                own.assign(at + step * way)
            values.append(float(objective()))
        derivative = (values[0] - values[1]) / 2e-5
        product = sum(np.sum(a * b) for a, b in zip(gradients, w, strict=True))
        np.testing.assert_allclose(product, derivative, rtol=1e-5, atol=1e-6)


# Learning ---------------------------------------------------------------------


def _bits(sizes, **options):
    layers = [units.Bernoulli(size) for size in sizes]
    return gz.DeepBoltzmannMachine(layers, seed=0, **options)


def test_defaults_learn_a_table_of_copies_and_constants():
    """Three coins, each twice, a column of ones, and a rare one of its own."""
    rng = np.random.default_rng(0)
    coins = np.repeat(rng.random((400, 3)) < 0.5, 2, axis=1)
    rare = rng.random((400, 1)) < 0.01
    x = np.concatenate([coins, np.ones((400, 1)), rare], axis=1)
    model = _bits((8, 6, 4))
    model.compile()
    history = model.fit(x, epochs=12, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    p = rare.mean()
    entropy = 3 * np.log(2) - p * np.log(p) - (1 - p) * np.log(1 - p)
    # Independent columns have 3 log 2 more.
    assert entropy - 0.05 < -model.bound(x).mean() < entropy + 0.6
    # Here all is a sum: the log says the same.
    np.testing.assert_allclose(
        model.evaluate(x, verbose=0, return_dict=True)["loss"],
        -model.bound(x).mean(),
        rtol=1e-4,
    )
    assert (model.log_prob(x) >= model.bound(x) - 1e-4).all()


def test_few_or_empty_rows_do_no_harm():
    model = _bits((5, 4, 3))
    model.compile(watch=False)
    states = model.get_weights()
    for x in (np.ones((1, 5)), np.eye(500, 5)):
        model.set_weights(states)
        history = model.fit(x, epochs=2, verbose=0).history
        assert np.isfinite(history["contrast"]).all()
        mean = model.sample(500, seed=0).mean(0)
        assert np.abs(mean - x.mean(0)).max() < 0.2


def test_it_learns_from_what_is_known_of_examples():
    rng = np.random.default_rng(0)
    x = np.repeat(rng.random((400, 2)) < 0.5, 2, axis=1).astype("float64")
    x[rng.random(x.shape) < 0.3] = np.nan
    model = _bits((4, 4, 3))
    model.compile(keras.optimizers.Adam(0.05), watch=False)
    model.fit(x, epochs=8, batch_size=20, missing="nan", verbose=0)
    given = model.conditional_mean([[1, np.nan, np.nan, 0]])
    assert given[0, 1] > 0.8
    assert given[0, 2] < 0.2


def test_hidden_means_are_those_of_an_rbm_below_layers_without_a_kernel():
    rng = np.random.default_rng(0)
    kernel, x = rng.normal(size=(5, 4)), rng.random((6, 5)) < 0.5
    deep = gz.DeepBoltzmannMachine.from_weights([kernel, np.zeros((4, 3))])
    shallow = gz.RBM.from_weights(kernel)
    np.testing.assert_allclose(
        deep.hidden_mean(x, layer=1), shallow.hidden_mean(x), rtol=1e-5
    )
    assert (deep.hidden_mean(x) == 0.5).all()
    both = np.concatenate([deep.hidden_mean(x, 1), deep.hidden_mean(x, 2)], 1)
    np.testing.assert_allclose(deep.transform(x), both)
    # The sums differ by what the free layer adds to both.
    np.testing.assert_allclose(deep.bound(x), shallow.log_prob(x), rtol=1e-5)


# Saving -----------------------------------------------------------------------


def test_files_and_presets_hold_the_distribution(tmp_path):
    """Of blocks by name, in mixed precision."""
    policy = {"dtype": "mixed_bfloat16"}
    visible = {
        "bits": units.Bernoulli(3, **policy),
        "real": units.Gaussian(1, **policy),
    }
    layers = [visible, *(units.Bernoulli(n, **policy) for n in (3, 2, 2))]
    model = gz.DeepBoltzmannMachine(layers, seed=3, **policy)
    loss = gz.losses.PersistentContrastiveDivergence(chains=8)
    model.compile(loss=loss, watch=False)
    rng = np.random.default_rng(0)
    x = {"bits": rng.random((40, 3)) < 0.5, "real": rng.normal(size=(40, 1))}
    model.fit(x, verbose=0)
    model.log_partition()
    joined = np.concatenate(list(x.values()), axis=1)
    bound = model.bound(x)
    np.testing.assert_allclose(model.bound(joined), bound, rtol=1e-5)
    config = json.loads(json.dumps(model.get_config()))
    assert type(model).from_config(config).get_config() == model.get_config()
    model.save(tmp_path / "model.keras")
    model.save_to_preset(tmp_path / "preset")
    preset = gz.from_preset(tmp_path / "preset")
    for found in (keras.models.load_model(tmp_path / "model.keras"), preset):
        np.testing.assert_allclose(found.bound(x), bound, rtol=1e-2)
    assert preset.chains.count == 8
    preset = preset.chains.read_all().numpy()
    np.testing.assert_array_equal(preset, model.chains.read_all().numpy())


def test_two_replicas_learn_what_one_device_learns(two):
    x = (np.random.default_rng(0).random((75, 6)) < 0.4).astype("uint8")

    def make():
        model = _bits((6, 4, 3), kernel_regularizer="l2")
        loss = gz.losses.PersistentContrastiveDivergence(chains=16)
        model.compile(keras.optimizers.SGD(0.05), loss, watch=False)
        return model

    alone = make()
    alone.fit(x, batch_size=20, verbose=0)
    with two.scope():
        both = make()
    both.fit(x, batch_size=20, verbose=0)
    for one, other in zip(alone.parameters, both.parameters, strict=True):
        np.testing.assert_allclose(
            other.numpy(), one.numpy(), rtol=1e-4, atol=2e-5
        )


# What is refused --------------------------------------------------------------


def _same():
    one = units.Bernoulli(3)
    return [units.Bernoulli(4), one, one]


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        (lambda: [units.Bernoulli(4)] * 2, "list of 3 to 32 layers"),
        (lambda: units.Bernoulli(4), "list of 3 to 32 layers"),
        (lambda: [4, 3, 2], r"units\[0\] must be units"),
        (_same, r"units\[1\] and units\[2\] are one object"),
        (
            lambda: [units.Bernoulli(4), units.Gaussian(3), units.ReLU(2)],
            r"units\[1\], Gaussian, and units\[2\], ReLU, cannot be",
        ),
        (
            lambda: (
                [units.Multinomial(4)] + [units.Bernoulli(n) for n in (3, 2)]
            ),
            r"units\[0\] must not be Multinomial",
        ),
        (
            lambda: [units.Bernoulli(n, dtype="float64") for n in (4, 3, 2)],
            r"dtype is float32, but units\[0\] has float64",
        ),
    ],
)
def test_layers_that_do_not_go_together(layers, told):
    with pytest.raises(ValueError, match=told):
        gz.DeepBoltzmannMachine(layers())


def test_what_it_cannot_do_is_said():
    model = _bits((6, 40, 40))
    x = np.zeros((2, 6))
    with pytest.raises(ValueError, match="has not seen data"):
        model.bound(x)
    model.adapt(x)
    for method in (model.energy, model.log_prob):
        with pytest.raises(ValueError, match=r"bound\(x\) is a lower bound"):
            method(x)
    with pytest.raises(ValueError, match="layer must be a hidden one"):
        model.hidden_mean(x, layer=0)
    with pytest.raises(ValueError, match="which DeepBoltzmannMachine does not"):
        model.compile(loss="exact_likelihood")
    with pytest.raises(ValueError, match=r"kernels\[1\] must have 2 rows"):
        gz.DeepBoltzmannMachine.from_weights([np.ones((3, 2)), np.ones((3, 1))])


# Layer by layer ---------------------------------------------------------------


def test_kernels_of_pretrained_rbms_are_a_good_start():
    """Of three bits, each twice."""
    rng = np.random.default_rng(6)
    x = np.repeat(rng.integers(0, 2, (300, 3)), 2, axis=1)
    model = _bits((6, 5, 4, 3))
    stack = model.pretrain(x, epochs=15, batch_size=30, verbose=0)
    assert len(stack.histories) == 3
    lower, between, upper = stack.rbms
    kernels = [rbm.kernel.numpy() for rbm in stack.rbms]
    for own, kernel, share in zip(
        model.kernels, kernels, (1, 0.5, 1), strict=True
    ):
        np.testing.assert_array_equal(own.numpy(), share * kernel)
    mean = (lower.hidden.bias.numpy() + between.visible.bias.numpy()) / 2
    np.testing.assert_allclose(model.units[1].bias.numpy(), mean, rtol=1e-6)
    assert upper.hidden.trials == 2
    # Independent bits have -6 log 2 = -4.16; the best is -3 log 2 = -2.08.
    start = model.bound(x).mean()
    assert start > -3.5
    seen = np.array([[True, False]])
    twice = pretraining.doubled(np.array([[1, 0]]), seen)
    np.testing.assert_array_equal(twice, [[2, np.nan]])


@pytest.mark.parametrize("place", [0, -1])
def test_ends_that_cannot_be_seen_twice_are_refused(place):
    layers = [units.Bernoulli(3) for _ in range(3)]
    layers[place] = units.Spin(3)
    model = gz.DeepBoltzmannMachine(layers)
    before = [weight.numpy() for weight in model.weights]
    with pytest.raises(ValueError, match=r"must be Bernoulli, .* are Spin"):
        model.pretrain(np.ones((4, 3)) * (1 if place else -1))
    for old, weight in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(old, weight.numpy())
