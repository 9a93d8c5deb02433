"""Bad input gets a ValueError that names it, and changes nothing."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz


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
    ["fit", "adapt", "evaluate", "predict", "log_prob", "log_pseudolikelihood"],
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


def test_labels_are_refused(small_rbm, bits):
    rbm = small_rbm("pcd")
    with pytest.raises(ValueError, match="takes no y"):
        rbm.fit(bits, bits)
    with pytest.raises(ValueError, match="takes no class_weight"):
        rbm.fit(bits, class_weight={0: 1.0})
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


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return np.full((4, 6), 100.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": Batches()}, "must hold 0 and 1; found values in .100, 100."),
        ({"batch_size": 0}, "batch_size must be a positive int; received 0"),
        ({"batch_size": 32.0}, "batch_size must be a positive int"),
        ({"validation_split": -0.5}, "validation_split must .* received -0.5"),
        ({"validation_split": 1.0}, "validation_split=1.0"),
        ({"validation_data": np.full((3, 6), 9)}, "fit: validation_data: x mu"),
        (
            {"validation_data": (np.zeros((3, 6)), np.zeros(3))},
            "validation_data: takes no y",
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
