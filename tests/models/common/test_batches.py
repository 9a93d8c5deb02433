"""Methods of one batch check and adapt as `fit` does."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz

RNG = np.random.default_rng(0)
BITS = (RNG.random((30, 4)) < 0.3).astype("uint8")
POINTS = RNG.normal(size=(30, 2)).astype("float32")
METHODS = "train_on_batch", "test_on_batch", "predict_on_batch"


def rbm():
    return gz.RBM(gz.units.Bernoulli(4), gz.units.Bernoulli(3), seed=0)


def machine():
    return gz.BoltzmannMachine(gz.spaces.Binary(4), seed=0)


def maxent():
    features = [gz.features.Moments(1)]
    return gz.MaxEnt(gz.spaces.Binary(4), features, seed=0)


def gan():
    return gz.GAN(*gz.networks.mlp(2, 2, width=8, depth=1), seed=0)


def state(model):
    found = [*model.weights, *model.optimizer.variables]
    return [np.array(variable) for variable in found]


def assert_same(before, after):
    for value, now in zip(before, after, strict=True):
        np.testing.assert_array_equal(value, now)


WRONG = {
    "nan": (np.full((3, 4), np.nan), "not finite|finite numbers"),
    "infinite": (np.full((3, 4), np.inf), "not finite|finite numbers"),
    "another width": (np.zeros((3, 5)), "must have shape"),
    "one example": (np.zeros(4), "must have shape"),
    "empty": (np.zeros((0, 4)), "empty"),
    "words": (np.array([["a", "b", "c", "d"]]), "numeric|numbers"),
    "nothing": (None, "missing"),
    "dataset": (tf.data.Dataset.from_tensors(BITS), "one batch, an array"),
}


@pytest.mark.parametrize("make", [rbm, machine, maxent])
def test_a_wrong_batch_is_refused_and_changes_nothing(make):
    model = make()
    model.compile(keras.optimizers.Adam(0.1))
    before = state(model)
    half = {"no bits": (np.full((3, 4), 0.5), "must hold 0 and 1")}
    for x, message in {**WRONG, **half}.values():
        for method in METHODS:
            with pytest.raises(ValueError, match=message) as error:
                getattr(model, method)(x)
            assert f".{method}: " in str(error.value)
    for arguments in (
        {"y": BITS},
        {"sample_weight": np.zeros(len(BITS))},
        {"class_weight": {0: 1.0}},
    ):
        with pytest.raises(ValueError, match="takes no|sample_weight must"):
            model.train_on_batch(BITS, **arguments)
    assert_same(before, state(model))
    assert not model.is_adapted


def test_a_wrong_batch_is_refused_by_a_gan():
    model = gan()
    model.compile()
    before = state(model)
    for x, message in WRONG.values():
        if x is not None and np.ndim(x) == 2 and x.shape[1] == 4:
            x = x[:, :2]
        for method in METHODS:
            if method != "predict_on_batch" or np.size(x):
                with pytest.raises(ValueError, match=message):
                    getattr(model, method)(x)
    assert_same(before, state(model))


@pytest.mark.parametrize("make", [rbm, machine, maxent, gan])
def test_compile_comes_first(make):
    model = make()
    x = POINTS if make is gan else BITS
    with pytest.raises(ValueError, match="compile"):
        model.train_on_batch(x)
    assert not getattr(model, "is_adapted", False)


def test_the_first_batch_is_adapted_to():
    units = gz.units.Bernoulli(4), gz.units.Bernoulli(3)
    model = gz.RBM(*units, kernel_initializer="zeros")
    model.compile(keras.optimizers.SGD(0.0))
    model.train_on_batch(BITS)
    share = (BITS.sum(axis=0) + 0.5) / 31
    expected = np.log(share / (1 - share))
    np.testing.assert_allclose(model.visible.bias, expected, rtol=1e-5)
    model.train_on_batch(1 - BITS)
    np.testing.assert_allclose(model.visible.bias, expected, rtol=1e-5)


def test_a_maxent_learns_from_the_batches_themselves():
    model = maxent()
    model.compile()
    for _ in range(8):
        model.train_on_batch(BITS)
    np.testing.assert_allclose(model.expectation(), BITS.mean(axis=0))
    # With a small rate it is stochastic gradient descent.
    model = maxent()
    model.compile(keras.optimizers.SGD(0.1), "exact_likelihood")
    model.train_on_batch(BITS)
    model.multipliers = [0.0] * 4
    model.train_on_batch(BITS[:5])
    expected = 0.1 * (BITS[:5].mean(axis=0) - 0.5)
    np.testing.assert_allclose(model.multipliers, expected, atol=1e-7)


def test_a_batch_size_goes_with_an_array():
    model = rbm()
    model.compile()
    dataset = tf.data.Dataset.from_tensor_slices(BITS).batch(10)
    for method in ("fit", "evaluate", "predict"):
        with pytest.raises(ValueError, match="batch_size goes with an array"):
            getattr(model, method)(dataset, batch_size=5)


def test_one_example_is_told_from_a_wrong_shape():
    binary = gz.spaces.Binary(12)
    with pytest.raises(ValueError, match=r"one example: take x\[None\]"):
        binary.check("fit", np.zeros(12))
    dataset = tf.data.Dataset.from_tensor_slices(np.zeros((5, 12)))
    with pytest.raises(ValueError, match=r"dataset\.batch\(128\)"):
        binary.check_dataset("fit", dataset)
    with pytest.raises(ValueError, match=r"x.reshape\(len\(x\), -1\)"):
        binary.check("fit", np.zeros((5, 3, 4)))
    # What cannot be reshaped is not told to be.
    with pytest.raises(ValueError, match=r"holds 13 numbers, an example 12"):
        binary.check("fit", np.zeros((5, 13)))


class Frame:
    """What pandas gives for columns of Int64 or boolean."""

    def __init__(self, values, kinds="iiii"):
        self.values = np.array(values, dtype=object)
        self.dtypes = np.empty(len(kinds), object)
        self.dtypes[:] = [Kind(kind) for kind in kinds]

    def __array__(self, dtype=None, copy=None):
        return self.values.astype(dtype or object)

    def to_numpy(self, dtype, na_value):
        """Numbers, where there is a value."""
        found = np.where(self.values == None, na_value, self.values)  # noqa: E711
        return found.astype(dtype)


class Kind:
    """A dtype of pandas, which is none of NumPy."""

    def __init__(self, kind):
        self.kind = kind


def test_frames_of_numbers_that_may_be_missing():
    binary = gz.spaces.Binary(4)
    for kinds in ("iiii", "bbbb", "fuib"):
        given = binary.check("fit", Frame(BITS, kinds))
        np.testing.assert_array_equal(given, BITS)
    missing = BITS.astype(object)
    missing[0, 0] = None
    with pytest.raises(ValueError, match="1 values that are not finite"):
        binary.check("fit", Frame(missing))
    with pytest.raises(ValueError, match="numeric"):
        binary.check("fit", Frame(BITS, "iiiO"))
