import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.runtime import random


def all_bits(n):
    return np.array(list(itertools.product([0, 1], repeat=n)), "float32")


@pytest.fixture(scope="module")
def fitted_weights(bits):
    rbm = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(4), seed=0)
    rbm.compile(keras.optimizers.Adam(0.05), "exact_likelihood")
    rbm.fit(bits, epochs=30, batch_size=10, verbose=0)
    return rbm.get_weights()


@pytest.fixture
def fitted(small_rbm, fitted_weights):
    rbm = small_rbm("exact_likelihood")
    rbm.set_weights(fitted_weights)
    return rbm


def test_energies_by_the_formula():
    units = gz.units.Spin(3), gz.units.Gaussian(2, variance=2.0)
    rbm = gz.RBM(*units, seed=0)
    rng = np.random.default_rng(0)
    for weight in rbm.parameters:
        weight.assign(rng.standard_normal(weight.shape))
    v, h = np.array([[1.0, -1.0, 1.0]]), np.array([[0.3, -2.0]])
    w, a, b = (np.asarray(p) for p in rbm.parameters)
    expected = -(v @ a + h @ b - (h**2).sum() / 4 + (v @ w @ h.T)[0])
    np.testing.assert_allclose(rbm.energy(v, h), expected, rtol=1e-5)
    t = b + v @ w
    f = -(v @ a + (t**2 + np.log(4 * np.pi) / 2).sum(1))
    # log integral exp(t x - x^2 / 4) = t^2 + log sqrt(4 pi)
    np.testing.assert_allclose(rbm.free_energy(v), f, rtol=1e-5)
    np.testing.assert_allclose(rbm.hidden_mean(v), 2 * t, rtol=1e-5)
    np.testing.assert_allclose(
        rbm.visible_mean(h), np.tanh(a + h @ w.T), rtol=1e-5
    )
    np.testing.assert_allclose(
        rbm.reconstruct(v), np.tanh(a + 2 * t @ w.T), rtol=1e-5
    )


def test_probabilities_sum_to_one(fitted):
    v = all_bits(6)
    total = np.exp(fitted.log_prob(v).astype("float64")).sum()
    assert total == pytest.approx(1, abs=1e-5)


def test_block_gibbs_draws_from_the_enumerated_distribution(small_rbm, bits):
    rbm = small_rbm("cd")
    rbm.adapt(bits)
    rng = np.random.default_rng(1)
    for weight in rbm.parameters:
        weight.assign(rng.standard_normal(weight.shape))
    probabilities = np.exp(rbm.log_prob(all_bits(6)).astype("float64"))
    n = 100_000
    x = rbm.sample(n, seed=1, steps=100, start="random")
    codes = x.astype(int) @ (2 ** np.arange(6)[::-1])
    counts = np.bincount(codes, minlength=64)
    expected = n * probabilities / probabilities.sum()
    rare = expected < 5
    counts = np.append(counts[~rare], counts[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    chi_square = ((counts - expected) ** 2 / np.maximum(expected, 1)).sum()
    freedom = len(counts) - 1
    # Five standard deviations of a chi-square variable.
    assert chi_square < freedom + 5 * np.sqrt(2 * freedom)
    assert len(counts) > 20


def test_exact_training_finds_the_data(fitted, bits):
    # Correlations of the data, which independent units cannot have.
    x = fitted.sample(4000, seed=2, steps=100)
    data, model = (np.corrcoef(a.T.astype(float)) for a in (bits, x))
    assert abs(data[0, 1] - model[0, 1]) < 0.15
    assert data[0, 1] > 0.99
    assert abs(data[2, 3] - model[2, 3]) < 0.15


@pytest.mark.parametrize(
    "loss", ["pcd", "cd", "exact_likelihood", "pseudolikelihood"]
)
def test_every_rule_raises_the_likelihood(loss, small_rbm, bits):
    rbm = small_rbm(loss, lr=0.3)
    rbm.adapt(bits)
    before = rbm.log_prob(bits).mean()
    rbm.fit(bits, epochs=25, batch_size=10, verbose=0)
    # Two pairs of bits are bound: at most 2 log 2 nats are to be gained.
    assert rbm.log_prob(bits).mean() > before + 0.5


def test_exact_loss_is_the_mean_log_likelihood(fitted, bits):
    expected = -fitted.log_prob(bits).mean()
    evaluated = fitted.evaluate(bits, verbose=0, batch_size=77)
    assert evaluated == pytest.approx(expected, abs=1e-4)


def test_adapt_gives_independent_units_the_data_means(small_rbm, bits):
    rbm = small_rbm("pcd", kernel_initializer="zeros")
    rbm.adapt(bits)
    mean = bits.mean(0)
    np.testing.assert_allclose(
        rbm.visible_mean(np.zeros((1, 4)))[0], mean, atol=0.5 / 300
    )
    independent = (bits * np.log(mean) + (1 - bits) * np.log(1 - mean)).sum(1)
    np.testing.assert_allclose(
        rbm.log_prob(bits).mean(), independent.mean(), atol=1e-3
    )
    whole = [w.numpy() for w in rbm.parameters]
    dataset = tf.data.Dataset.from_tensor_slices(bits).batch(64)
    other = small_rbm("pcd", kernel_initializer="zeros")
    other.adapt(dataset)
    np.testing.assert_allclose(whole[1], other.visible.bias, atol=1e-6)


def test_fit_keeps_what_adapt_was_given(small_rbm, bits):
    rbm = small_rbm("pcd", lr=0.0)
    rbm.adapt(bits[:50])
    bias = rbm.visible.bias.numpy()
    rbm.fit(bits, verbose=0)
    np.testing.assert_array_equal(bias, rbm.visible.bias)


def test_score_samples_by_the_definition(fitted, bits):
    v = bits[:4].astype("float32")
    expected = np.zeros(4)
    for site in range(6):
        flipped = v.copy()
        flipped[:, site] = 1 - flipped[:, site]
        gap = fitted.free_energy(flipped) - fitted.free_energy(v)
        expected += np.log(1 / (1 + np.exp(-gap.numpy())))
    np.testing.assert_allclose(fitted.score_samples(v), expected, rtol=1e-4)


def test_known_log_partition_lasts_until_the_weights_change(fitted, bits):
    exact = fitted.log_partition()
    assert fitted.stored_log_partition == exact
    fitted.kernel.assign_add(0.01 * np.ones((6, 4)))
    assert fitted.stored_log_partition is None
    fitted.log_partition("ais", chains=20, temperatures=50)
    assert fitted.stored_log_partition.method.startswith("annealed")


def test_annealing_from_chains_is_no_bound(digits):
    x, _ = digits
    # 2**23 states: cheap enough to enumerate, too many for exact samples.
    rbm = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(17), seed=0)
    rbm.compile(keras.optimizers.SGD(0.1))
    rbm.fit(x, epochs=3, verbose=0)
    exact = rbm.log_partition("enumeration")
    assert exact.upper_is_bound
    assert exact.stderr == 0
    ais = rbm.log_partition("ais", chains=50, temperatures=300)
    assert not ais.upper_is_bound
    assert abs(ais.value - exact.value) < 4 * ais.stderr
    assert ais.lower <= ais.value
    assert 1 <= ais.ess <= 50
    without = rbm.log_partition("ais", chains=5, temperatures=9, reverse=False)
    assert without.upper is None


def test_continuous_samples_have_the_exact_moments():
    units = gz.units.Gaussian(2, variance=0.5), gz.units.Bernoulli(3)
    rbm = gz.RBM(*units, seed=0)
    rbm.kernel.assign([[1.0, -1.0, 0.5], [0.3, 2.0, -1.0]])
    _, averages = rbm._bipartite.enumerate(averages=True)
    n = 20_000
    x = rbm.sample(n, seed=3, steps=60, start="random")
    error = x.std(0) / np.sqrt(n)
    assert np.all(np.abs(x.mean(0) - averages[1]) < 4.5 * error)


def test_start_of_a_walk(fitted, small_rbm, bits):
    rbm = small_rbm("pcd")
    rbm.fit(bits, verbose=0)
    kept = rbm.chains.read_all().numpy()
    for n in (5, 128, 300):
        assert rbm.sample(n, seed=0, steps=1, start="chains").shape == (n, 6)
    np.testing.assert_array_equal(kept, rbm.chains.read_all())
    # One sweep from data stays near the data; rows keep their places.
    rbm.kernel.assign(np.zeros((6, 4)))
    rbm.visible.bias.assign(np.full(6, 30.0))
    assert (rbm.sample(3, seed=0, steps=1, start=bits[:3]) == 1).all()
    with pytest.raises(ValueError, match="no persistent chains"):
        fitted.sample(3, start="chains")


def test_mixed_precision_keeps_master_weights_and_likelihood_wide(bits):
    rbm = gz.RBM(
        gz.units.Bernoulli(6), gz.units.Bernoulli(4), dtype="mixed_bfloat16"
    )
    rbm.compile(keras.optimizers.SGD(0.1))
    rbm.fit(bits, epochs=2, verbose=0)
    assert {w.dtype for w in rbm.parameters} == {"float32"}
    v = all_bits(6)
    total = np.exp(rbm.log_prob(v).astype("float64")).sum()
    assert total == pytest.approx(1, abs=1e-5)


def test_metrics_compare_data_with_samples(bits):
    rbm = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(4), seed=0)

    @keras.saving.register_keras_serializable("test")
    class MeanDifference(keras.metrics.Metric):
        def __init__(self, name="mean_difference", **kwargs):
            super().__init__(name=name, **kwargs)
            self.sums = self.add_variable((2,), "zeros", name="sums")

        def update_state(self, real, generated, sample_weight=None):
            pair = [
                tf.reduce_sum(tf.cast(x, "float32"), 0)[0]
                for x in (real, generated)
            ]
            self.sums.assign_add(tf.stack(pair))

        def result(self):
            return tf.abs(self.sums[0] - self.sums[1]) / 300.0

    rbm.compile(keras.optimizers.SGD(0.0), metrics=[MeanDifference()])
    history = rbm.fit(bits, validation_data=bits, verbose=0)
    found = rbm.evaluate(bits, verbose=0, return_dict=True)
    assert found["mean_difference"] < 5 * np.sqrt(2 * 0.25 / 300)
    assert "val_mean_difference" in history.history


def test_same_units_twice_are_refused():
    units = gz.units.Bernoulli(4)
    with pytest.raises(ValueError, match="one object"):
        gz.RBM(units, units)


@pytest.mark.parametrize(
    ("visible", "hidden"),
    list(itertools.product((gz.units.Gaussian, gz.units.ReLU), repeat=2)),
)
def test_pairs_that_cannot_be_normalised_are_refused(visible, hidden):
    with pytest.raises(ValueError, match="cannot be normalised"):
        gz.RBM(visible(4), hidden(3))


def bad_inputs():
    good = np.zeros((10, 6), "float32")
    image = good.copy()
    image[0, 0] = 255
    missing = good.copy()
    missing[3, 3] = np.nan
    return {
        "image": (image, "found values in \\[0, 255\\].*Binarise"),
        "nan": (missing, "1 values that are not finite"),
        "narrow": (good[:, :5], r"shape \(n, 6\)"),
        "empty": (good[:0], "empty"),
        "vector": (good[0], r"shape \(n, 6\)"),
        "words": (np.array([["a"] * 6]), "numeric"),
    }


@pytest.mark.parametrize("kind", bad_inputs())
@pytest.mark.parametrize(
    "method",
    ["fit", "adapt", "evaluate", "predict", "log_prob", "score_samples"],
)
def test_bad_data_change_nothing(kind, method, fitted):
    x, message = bad_inputs()[kind]
    before = [w.numpy() for w in fitted.weights]
    with pytest.raises(ValueError, match=f"RBM.{method}: .*{message}"):
        getattr(fitted, method)(x)
    for a, b in zip(before, fitted.weights, strict=True):
        np.testing.assert_array_equal(a, b.numpy())


def test_a_bad_batch_of_a_dataset_is_not_learned_from(small_rbm, bits):
    x = bits.astype("float32")
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(50)
    spoilt = x.copy()
    spoilt[200:] = np.nan
    later = tf.data.Dataset.from_tensor_slices(spoilt).batch(50)
    rbm = small_rbm("pcd")
    rbm.fit(dataset, verbose=0)
    with pytest.raises(ValueError, match="batch of the dataset is not in"):
        rbm.fit(later, verbose=0)
    assert all(np.isfinite(w.numpy()).all() for w in rbm.parameters)
    with pytest.raises(ValueError, match="found values in"):
        rbm.fit(dataset.map(lambda x: 3 * x + 2), verbose=0)
    labelled = tf.data.Dataset.zip(dataset, dataset)
    with pytest.raises(ValueError, match="must give x alone"):
        rbm.fit(labelled, verbose=0)
    with pytest.raises(ValueError, match="dataset is empty"):
        rbm.fit(dataset.take(0), verbose=0)


def test_labels_and_weights_are_refused(small_rbm, bits):
    rbm = small_rbm("pcd")
    with pytest.raises(ValueError, match="takes no y"):
        rbm.fit(bits, bits)
    with pytest.raises(ValueError, match="takes no sample_weight"):
        rbm.fit(bits, sample_weight=np.ones(300))
    with pytest.raises(ValueError, match="x is missing"):
        rbm.fit()


@pytest.mark.parametrize("n", [-1, 0, 2.5, True, 10**13])
def test_impossible_numbers_of_samples(n, fitted):
    with pytest.raises(ValueError, match="RBM.sample: n"):
        fitted.sample(n)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "steps must be a positive int"),
        ({"start": "somewhere"}, "start must be"),
        ({"start": np.zeros((2, 6))}, "start has 2 rows; n is 3"),
        ({"start": np.full((3, 6), 7.0)}, "must hold 0 and 1"),
        ({"seed": "monday"}, "seed must be an int or a pair"),
    ],
)
def test_impossible_walks(arguments, message, fitted):
    with pytest.raises(ValueError, match=message):
        fitted.sample(3, **arguments)


def test_chains_beyond_memory_are_refused_with_the_bytes():
    rbm = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(4))
    loss = gz.losses.PersistentContrastiveDivergence(chains=10**13)
    with pytest.raises(ValueError, match="160,000,000,000,000 bytes"):
        rbm.compile(loss=loss)
    assert rbm.chains is None
    assert not rbm.compiled


def test_a_model_without_data_has_no_likelihood(small_rbm):
    rbm = small_rbm("pcd")
    for method in (rbm.log_partition, lambda: rbm.log_prob(np.zeros((1, 6)))):
        with pytest.raises(ValueError, match="has not seen data"):
            method()


@pytest.mark.parametrize(
    ("loss", "units", "message"),
    [
        ("mse", None, "loss must be a genzoo learning rule"),
        (
            "pseudolikelihood",
            (gz.units.Gaussian(6), gz.units.Bernoulli(4)),
            "needs discrete visible units",
        ),
        (
            "exact_likelihood",
            (gz.units.Bernoulli(60), gz.units.Bernoulli(60)),
            "joint states",
        ),
        (
            gz.losses.Pseudolikelihood(sites=7),
            None,
            "more than the 6 visible units",
        ),
    ],
)
def test_losses_that_a_model_cannot_have(loss, units, message):
    units = units or (gz.units.Bernoulli(6), gz.units.Bernoulli(4))
    with pytest.raises(ValueError, match=message):
        gz.RBM(*units).compile(loss=loss)


@pytest.mark.parametrize("value", [0, -1, 1.5, True])
def test_losses_check_their_numbers(value):
    for make in (
        gz.losses.ContrastiveDivergence,
        gz.losses.PersistentContrastiveDivergence,
        gz.losses.Pseudolikelihood,
        lambda n: gz.losses.PersistentContrastiveDivergence(chains=n),
    ):
        with pytest.raises(ValueError, match="must be a positive int"):
            make(value)


def test_units_that_are_no_units_are_refused():
    with pytest.raises(ValueError, match="visible must be units"):
        gz.RBM(784, gz.units.Bernoulli(4))


def test_sample_layers_accept_seeds(fitted, bits):
    v = bits.astype("float32")
    first = fitted.sample_hidden(v, seed=4)
    np.testing.assert_array_equal(first, fitted.sample_hidden(v, seed=(4, 0)))
    assert not np.array_equal(first, fitted.sample_hidden(v))
    back = fitted.sample_visible(first, seed=random.as_seed(1))
    assert back.shape == (300, 6)


def test_recompiling_replaces_the_chains(small_rbm, bits):
    rbm = small_rbm("pcd")
    rbm.fit(bits, verbose=0)
    weights = len(rbm.weights)
    rbm.compile(loss=gz.losses.PersistentContrastiveDivergence(chains=10))
    assert rbm.chains.read_all().shape == (10, 4)
    assert len(rbm.weights) == weights
    rbm.compile(loss="cd")
    assert len(rbm.weights) == weights - 1


@pytest.mark.parametrize("learn_variance", [False, True])
def test_defaults_are_safe_for_real_data_of_any_scale(learn_variance):
    (x, _), _ = gz.datasets.digits.load_data()
    x = x.reshape(-1, 64).astype("float32")
    rbm = gz.RBM(
        gz.units.Gaussian(64, learn_variance=learn_variance),
        gz.units.Bernoulli(8),
        seed=0,
    )
    rbm.compile()
    rbm.adapt(x)
    before = rbm.log_prob(x).mean()
    rbm.fit(x, epochs=8, verbose=0)
    assert rbm.log_prob(x).mean() > before + 1


def test_frozen_weights_stay(small_rbm, bits):
    rbm = small_rbm("pcd")
    rbm.visible.trainable = False
    rbm.compile()
    rbm.fit(bits, verbose=0)
    assert (rbm.visible.bias.numpy() == 0).all()
    rbm.trainable = False
    rbm.compile()
    kernel = rbm.kernel.numpy()
    rbm.fit(bits, verbose=0)
    np.testing.assert_array_equal(kernel, rbm.kernel)


def test_batches_trained_by_hand_count_as_training(small_rbm, bits):
    rbm = small_rbm("pcd")
    rbm.train_on_batch(bits)
    bias = rbm.visible.bias.numpy()
    assert np.isfinite(rbm.log_prob(bits)).all()
    rbm.fit(bits, epochs=0, verbose=0)
    np.testing.assert_array_equal(bias, rbm.visible.bias)


def test_predictions_are_not_rounded_to_the_compute_dtype():
    units = gz.units.Gaussian(6), gz.units.Bernoulli(4)
    rbm = gz.RBM(*units, dtype="mixed_bfloat16")
    x = np.linspace(40.0, 60.0, 60).reshape(10, 6).astype("float32")
    np.testing.assert_allclose(
        rbm.predict(x, verbose=0), rbm.free_energy(x), rtol=1e-6
    )


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return np.full((4, 6), 100.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": Batches()}, "an array or a tf.data.Dataset; received Batches"),
        ({"batch_size": 0}, "batch_size must be a positive int; received 0"),
        ({"batch_size": 32.0}, "batch_size must be a positive int"),
        ({"validation_split": -0.5}, "validation_split=-0.5"),
        ({"validation_split": 1.0}, "validation_split=1.0"),
        ({"validation_data": np.full((3, 6), 9)}, "fit: validation_data: x mu"),
        (
            {"validation_data": (np.zeros((3, 6)), np.zeros(3))},
            "validation_data: takes examples alone",
        ),
        ({"steps_per_epoch": 3}, "steps_per_epoch goes with a dataset"),
    ],
)
def test_arguments_of_fit_are_checked_first(arguments, message, fitted, bits):
    before = [w.numpy() for w in fitted.weights]
    with pytest.raises(ValueError, match=message):
        fitted.fit(**{"x": bits, "verbose": 0, **arguments})
    for a, b in zip(before, fitted.weights, strict=True):
        np.testing.assert_array_equal(a, b.numpy())


def test_validation_takes_the_same_batches(fitted, bits):
    class Count(keras.callbacks.Callback):
        batches = 0

        def on_test_batch_end(self, batch, logs=None):
            self.batches += 1

    count = Count()
    fitted.fit(
        bits,
        batch_size=10,
        validation_data=(bits[:35], None),
        callbacks=keras.callbacks.CallbackList(
            [count], add_history=True, model=fitted
        ),
        verbose=0,
    )
    assert count.batches == 4


def test_a_bad_batch_is_named_while_adapting(small_rbm, bits):
    spoilt = bits.copy()
    spoilt[50] = 7
    dataset = tf.data.Dataset.from_tensor_slices(spoilt).batch(30)
    with pytest.raises(ValueError, match="batch of the dataset is not in"):
        small_rbm("pcd").fit(dataset, verbose=0)


def test_loading_other_chains_says_how_many_there_are(small_rbm, tmp_path):
    path = tmp_path / "w.weights.h5"
    small_rbm("pcd").save_weights(path)
    other = small_rbm(gz.losses.PersistentContrastiveDivergence(chains=7))
    with pytest.raises(ValueError, match=r"chains=128\)"):
        other.load_weights(path)
    small_rbm("cd").save_weights(path)
    with pytest.raises(ValueError, match="holds no persistent chains"):
        small_rbm("pcd").load_weights(path)


def test_compile_refuses_what_it_cannot_use(small_rbm):
    rbm = small_rbm("cd")
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))
    with pytest.raises(ValueError, match="no loss to be scaled"):
        rbm.compile(scaled)
    with pytest.raises(ValueError, match="metrics must be"):
        rbm.compile(metrics=len)
    wide = gz.units.Bernoulli(1300), gz.units.Bernoulli(1200)
    with pytest.raises(ValueError, match="2\\*\\*1200 joint states"):
        gz.RBM(*wide).compile(loss="exact_likelihood")


def test_one_dtype_for_a_model_and_its_units():
    units = gz.units.Bernoulli(6), gz.units.Bernoulli(4)
    with pytest.raises(ValueError, match="dtype is float64, but the visible"):
        gz.RBM(*units, dtype="float64")


def test_a_model_that_was_built_can_still_be_compiled(bits):
    rbm = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(4))
    rbm.build((None, 6))
    rbm.compile()
    rbm.fit(bits, verbose=0)
    rbm.compile(loss=gz.losses.PersistentContrastiveDivergence(chains=4))
    assert rbm.chains.count == 4
