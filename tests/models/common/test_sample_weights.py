"""Weights of examples are as good as repetitions of them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz

RNG = np.random.default_rng(0)
BITS = (RNG.random((60, 9)) < 0.4).astype("uint8")
SPINS = RNG.choice([-1, 1], (80, 5))
FAR = RNG.normal(size=(90, 2)) * [1, 100] + [0, 1e5]
LETTERS = RNG.integers(0, 3, (70, 4))


def rbm(visible=None, hidden=None):
    return gz.RBM(
        visible or gz.units.Bernoulli(9),
        hidden or gz.units.Bernoulli(4),
        seed=1,
    )


def maxent(space, *features):
    return lambda: gz.MaxEnt(space, list(features), seed=0)


def machine(space):
    return lambda: gz.BoltzmannMachine(space, seed=0)


MEANS_AND_PAIRS = gz.features.Moments(1), gz.features.Pairwise()
CASES = {
    "rbm pcd": (rbm, "pcd", BITS),
    "rbm exact": (rbm, "exact_likelihood", BITS),
    "rbm sites": (rbm, "pseudolikelihood", BITS),
    "rbm real": (lambda: rbm(gz.units.Gaussian(2)), "pcd", FAR - [0, 1e5]),
    "spins exact": (
        maxent(gz.spaces.Spin(5), *MEANS_AND_PAIRS),
        "exact_likelihood",
        SPINS,
    ),
    "spins chains": (
        maxent(gz.spaces.Spin(5), *MEANS_AND_PAIRS),
        "pcd",
        SPINS,
    ),
    "reals": (
        maxent(gz.spaces.Real(2), gz.features.Moments(2)),
        "exact_likelihood",
        FAR,
    ),
    "letters": (
        machine(gz.spaces.Categorical([0, 1, 2], 4)),
        gz.losses.Pseudolikelihood(l2=0.1),
        LETTERS,
    ),
    "flow": (
        machine(gz.spaces.Spin(5)),
        "minimum_probability_flow",
        SPINS,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_whole_weights_are_repetitions(name, eagerly):
    make, loss, x = CASES[name]
    weight = np.arange(len(x)) % 4
    found = []
    for rows, options in (
        (x, {"sample_weight": weight}),
        (np.repeat(x, weight, axis=0), {}),
    ):
        model = make()
        model.compile(loss=loss)
        history = model.fit(
            rows,
            batch_size=len(rows),
            shuffle=False,
            verbose=0,
            epochs=3,
            validation_data=(rows, None, options.get("sample_weight")),
            **options,
        ).history
        results = model.evaluate(rows, verbose=0, return_dict=True, **options)
        numbers = [*(values[-1] for values in history.values())]
        parameters = [p.numpy() for p in model.parameters]
        found.append((parameters, np.hstack([*numbers, *results.values()])))
    for weighed, repeated in zip(*found, strict=True):
        for a, b in zip(weighed, repeated, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-6)


def test_the_unit_of_weights_does_not_matter():
    weight = RNG.random(60)
    found = []
    for unit in (1.0, 1e-6, 1e9):
        model = rbm()
        model.compile(watch=False)
        model.fit(BITS, sample_weight=unit * weight, epochs=2, verbose=0)
        found.append(model.kernel.numpy())
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)
    np.testing.assert_allclose(found[0], found[2], atol=1e-5)


def test_batches_of_all_zero_and_of_few_weights_teach_what_all_do():
    """Of 4,000 rows one in ten counts; the means are those of these."""
    x = (RNG.random((4000, 3)) < [[0.5, 0.5, 0.5]]).astype("uint8")
    weight = np.zeros(4000)
    weight[: 400 * 10 : 10] = 1.0
    x[::10] = RNG.random((400, 3)) < [0.2, 0.5, 0.9]
    weight[3000:] = 0.0
    model = gz.RBM(gz.units.Bernoulli(3), gz.units.Bernoulli(2), seed=0)
    model.compile(keras.optimizers.SGD(0.05), loss="exact_likelihood")
    model.fit(x, sample_weight=weight, epochs=6, verbose=0)
    states = gz.spaces.Binary(3).states()
    mean = np.exp(model.log_prob(states)) @ states
    expected = np.average(x, axis=0, weights=weight)
    np.testing.assert_allclose(mean, expected, atol=0.03)


@pytest.mark.parametrize("kind", ["array", "dataset"])
def test_averages_may_have_negative_weights(kind):
    weight = RNG.normal(size=80) + 1.0
    model = gz.MaxEnt(gz.spaces.Spin(5), [gz.features.Moments(1)])
    model.compile()
    if kind == "array":
        model.fit(SPINS, sample_weight=weight, verbose=0)
    else:
        pair = SPINS, weight.astype("float32")
        dataset = tf.data.Dataset.from_tensor_slices(pair).batch(7)
        model.fit(dataset, verbose=0)
    expected = np.average(SPINS, axis=0, weights=weight)
    np.testing.assert_allclose(model.expectation(), expected, atol=1e-6)


def test_datasets_give_what_arrays_give():
    weight = (np.arange(60) % 4).astype("float32")
    found = []
    for is_dataset in (False, True):
        model = rbm()
        model.compile()
        if is_dataset:
            pair = tf.data.Dataset.from_tensor_slices((BITS, weight))
            model.fit(pair.batch(60), epochs=2, verbose=0)
            loss = model.evaluate(pair.batch(13), verbose=0)
        else:
            options = {"sample_weight": weight, "verbose": 0}
            model.fit(BITS, batch_size=60, shuffle=False, epochs=2, **options)
            loss = model.evaluate(BITS, **options)[0]
        found.append((loss, model.kernel.numpy()))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-5)
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-6)


@pytest.mark.parametrize(
    ("weight", "told"),
    [
        (np.ones(5), r"must have shape \(60,\).*received \(5,\)"),
        (np.ones((60, 2)), r"must have shape \(60,\)"),
        (-np.ones(60), "none below 0"),
        (np.full(60, np.nan), "finite"),
        (np.zeros(60), "not all of them 0"),
        (["a"] * 60, "must be numbers"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "evaluate", "adapt"])
def test_wrong_weights_are_refused(method, weight, told):
    model = rbm()
    model.compile()
    model.adapt(BITS)
    before = [w.numpy() for w in model.weights]
    with pytest.raises(
        ValueError, match=f"RBM.{method}: sample_weight.*{told}"
    ):
        getattr(model, method)(BITS, sample_weight=weight)
    for weight_, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight_.numpy(), value)


def test_labels_of_a_dataset_are_not_weights():
    labels = np.arange(60) % 10
    dataset = tf.data.Dataset.from_tensor_slices((BITS, labels)).batch(10)
    model = rbm()
    model.compile()
    with pytest.raises(ValueError, match="To leave out labels, map it"):
        model.fit(dataset, verbose=0)


def test_negative_weights_of_a_later_batch_are_told():
    weight = np.ones(60, "float32")
    weight[-1] = -1
    dataset = tf.data.Dataset.from_tensor_slices((BITS, weight)).batch(10)
    model = rbm()
    model.compile()
    with pytest.raises(ValueError, match="a batch of the dataset has weights"):
        model.fit(dataset, verbose=0)


def test_models_whose_rules_take_no_weights_say_so():
    class Coin(gz.models.EnergyBasedModel):
        def __init__(self):
            super().__init__()
            self.space = gz.spaces.Spin(1)
            self.field = self.add_weight(name="field", shape=(1,))
            self.built = True

        @property
        def parameters(self):
            return [self.field]

        def call(self, x):
            return -tf.cast(x, "float32")[:, 0] * self.field[0]

        def exact_gradients(self, x):
            x = tf.cast(x, tf.float32)
            return tf.zeros(()), [tf.tanh(self.field) - tf.reduce_mean(x)]

        def exact_loss(self, x):
            return tf.zeros(())

    coin = Coin()
    coin.compile(watch=False)
    with pytest.raises(ValueError, match="takes no weights of examples"):
        coin.fit(np.ones((4, 1)), sample_weight=np.arange(4), verbose=0)


@pytest.mark.parametrize("loss", ["non_saturating", "relativistic_pairing"])
def test_a_gan_learns_the_weighted_density(loss):
    """Its critic's first gradient is that of the weighted data."""
    x = RNG.normal(size=(4, 2)).astype("float32")
    weight = np.array([3.0, 1.0, -0.5, 0.5])
    gan = gz.GAN(*gz.networks.mlp(2, 2, width=8, depth=1), seed=0)
    gan.compile(loss=loss, penalties=[])
    fake = tf.constant(RNG.normal(size=(4, 2)), tf.float32)
    judged = gan.game.discriminator(
        x,
        fake,
        (),
        gz.runtime.random.as_seed(0),
        training=False,
        weight=tf.constant(weight, tf.float32),
    )
    real, generated = judged.real.numpy(), judged.fake.numpy()

    def softplus(t):
        return np.log1p(np.exp(t))

    if loss == "non_saturating":
        zero = np.log(2) * (1 - weight)
        each = weight * softplus(-real) + softplus(generated) + zero
    else:
        each = weight * softplus(generated - real)
    assert float(judged.loss) == pytest.approx(each.mean(), rel=1e-5)


def test_the_mode_of_more_weight_is_drawn_more_often():
    sides = np.repeat([[-2.0], [2.0]], 2000, axis=0)
    x = (sides + 0.3 * RNG.normal(size=sides.shape)).astype("float32")
    weight = np.where(x[:, 0] < 0, 5.0, 1.0)
    gan = gz.GAN(*gz.networks.mlp(2, 1, width=32, depth=2), seed=0)
    gan.compile(steps_per_execution=10)
    gan.fit(x, sample_weight=weight, epochs=6, verbose=0)
    assert np.mean(gan.sample(2000, seed=0) < 0) > 0.7
