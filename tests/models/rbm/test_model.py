import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.runtime import random


def all_bits(n):
    return np.array(list(itertools.product([0, 1], repeat=n)), "float32")


def test_energies_by_the_formula():
    units = gz.units.Spin(3), gz.units.Gaussian(2, variance=2.0)
    rbm = gz.RBM(*units, seed=0)
    rng = np.random.default_rng(0)
    for weight in rbm.parameters:
        weight.assign(rng.standard_normal(weight.shape))
    v, h = np.array([[1.0, -1.0, 1.0]]), np.array([[0.3, -2.0]])
    w, a, b = (np.asarray(p) for p in rbm.parameters)
    expected = -(v @ a + h @ b - (h**2).sum() / 4 + (v @ w @ h.T)[0])
    np.testing.assert_allclose(rbm.joint_energy(v, h), expected, rtol=1e-5)
    t = b + v @ w
    f = -(v @ a + (t**2 + np.log(4 * np.pi) / 2).sum(1))
    # log integral exp(t x - x^2 / 4) = t^2 + log sqrt(4 pi)
    np.testing.assert_allclose(rbm.energy(v), f, rtol=1e-5)
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
    rbm.fit(bits, epochs=15, batch_size=10, verbose=0)
    # Two pairs of bits are bound: at most 2 log 2 nats are to be gained.
    assert rbm.log_prob(bits).mean() > before + 0.5


def test_exact_loss_is_the_mean_log_likelihood(fitted, bits):
    expected = -fitted.log_prob(bits).mean()
    evaluated = fitted.evaluate(
        bits, verbose=0, batch_size=77, return_dict=True
    )
    assert evaluated["loss"] == pytest.approx(expected, abs=1e-4)


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


def test_log_pseudolikelihood_by_the_definition(fitted, bits):
    v = bits[:4].astype("float32")
    expected = np.zeros(4)
    for site in range(6):
        flipped = v.copy()
        flipped[:, site] = 1 - flipped[:, site]
        gap = fitted.energy(flipped) - fitted.energy(v)
        expected += np.log(1 / (1 + np.exp(-gap)))
    found = fitted.log_pseudolikelihood(v)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


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
    _, averages = rbm.rules.machine.layers().enumerate(averages=True)
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
    rbm.optimizer.learning_rate = 0.0
    rbm.fit(bits, verbose=0)
    np.testing.assert_array_equal(bias, rbm.visible.bias)


def test_predictions_are_not_rounded_to_the_compute_dtype():
    units = gz.units.Gaussian(6), gz.units.Bernoulli(4)
    rbm = gz.RBM(*units, dtype="mixed_bfloat16")
    x = np.linspace(40.0, 60.0, 60).reshape(10, 6).astype("float32")
    np.testing.assert_allclose(
        rbm.predict(x, verbose=0), rbm.energy(x), rtol=1e-6
    )


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


def test_a_model_that_was_built_can_still_be_compiled(bits):
    rbm = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(4))
    rbm.build((None, 6))
    rbm.compile()
    rbm.fit(bits, verbose=0)
    rbm.compile(loss=gz.losses.PersistentContrastiveDivergence(chains=4))
    assert rbm.chains.count == 4
