"""What every metric of two samples promises; one row of TABLE for each."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from genzoo import metrics

CENTRES = [[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
# Distances from whole numbers would tie; these data are Gaussian.
TABLE = {
    "frechet": metrics.FrechetDistance,
    "kernel": metrics.KernelDistance,
    "gaussian_kernel": lambda **options: metrics.KernelDistance(
        kernel="gaussian", **options
    ),
    "precision": metrics.PrecisionRecall,
    "density": metrics.DensityCoverage,
    "wasserstein": metrics.SlicedWasserstein,
    "classifier": lambda **options: metrics.ClassifierTwoSample(
        epochs=3, **options
    ),
    "binned": lambda **options: metrics.BinnedDivergence(bins=4, **options),
    "moments": metrics.MomentError,
    "modes": lambda **options: metrics.ModeCoverage(CENTRES, 1.5, **options),
}
KINDS = pytest.mark.parametrize("make", TABLE.values(), ids=TABLE)


def pair(rows=96, seed=0):
    rng = np.random.default_rng(seed)
    real = rng.standard_normal((rows, 3))
    return real, 1.2 * rng.standard_normal((rows, 3)) + 0.3


def value(metric):
    result = metric.result()
    numbers = result if isinstance(result, dict) else {"value": result}
    assert all(isinstance(number, float) for number in numbers.values())
    return numbers


def same(metric, expected):
    assert value(metric) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def updated(make, real, generated):
    metric = make()
    metric.update_state(real, generated)
    return metric


@KINDS
def test_batching_does_not_matter(make):
    real, generated = pair()
    expected = value(updated(make, real, generated))
    metric = make()
    for first, last in ((0, 1), (1, 50), (50, 96)):
        metric.update_state(real[first:last], generated[first:last])
    same(metric, expected)
    metric.reset_state()
    step = tf.function(metric.update_state)
    for batch in np.split(np.arange(96), 4):
        step(tf.constant(real[batch]), tf.constant(generated[batch]))
    same(metric, expected)


@KINDS
def test_reset_forgets(make):
    real, generated = pair()
    metric = updated(make, *pair(seed=1))
    metric.reset_state()
    metric.update_state(real, generated)
    same(metric, value(updated(make, real, generated)))


@KINDS
def test_two_replicas(make, two):
    real, generated = pair(90)
    with two.scope():
        metric = make()

    @tf.function
    def step(batch):
        two.run(metric.update_state, args=batch)

    dataset = tf.data.Dataset.from_tensor_slices((real, generated)).batch(45)
    for batch in two.experimental_distribute_dataset(dataset):
        step(batch)
    same(metric, value(updated(make, real, generated)))


@KINDS
def test_configuration(make):
    real, generated = pair()
    metric = make(name="mine")
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(metric)
    )
    assert copy.name == "mine"
    for one in (metric, copy):
        one.update_state(real, generated)
    same(copy, value(metric))


@KINDS
def test_refuses_what_is_not_finite(make):
    for bad in (np.nan, np.inf):
        real, generated = pair()
        generated[5, 1] = bad
        with pytest.raises(ValueError, match="generated must be finite; 1 row"):
            updated(make, real, generated).result()
        with pytest.raises(ValueError, match="real must be finite; 1 row"):
            updated(make, generated, real).result()


@KINDS
def test_refuses_shapes_that_differ(make):
    real, generated = pair()
    with pytest.raises(ValueError, match="same shape"):
        make().update_state(real, generated[:, :2])
    metric = updated(make, real, generated)
    with pytest.raises(ValueError, match="numbers"):
        metric.update_state(real[:, :2], generated[:, :2])
    with pytest.raises(ValueError, match="sample_weight"):
        metric.update_state(real, generated, np.ones(96))


@KINDS
def test_refuses_no_rows(make):
    with pytest.raises(ValueError, match="needs at least"):
        make().result()
    with pytest.raises(ValueError, match="needs at least"):
        updated(make, np.zeros((0, 3)), np.zeros((0, 3))).result()


@KINDS
def test_integers_are_as_good_as_floats(make):
    rng = np.random.default_rng(2)
    real, generated = rng.integers(0, 256, (2, 96, 3))
    found = updated(make, real.astype("uint8"), generated.astype("uint8"))
    floats = updated(make, real.astype(float), generated.astype(float))
    same(floats, value(found))


@KINDS
def test_half_precision_is_taken(make):
    real, generated = (x.astype("float16") for x in pair())
    found = updated(make, real, generated)
    single = updated(make, *(x.astype("float32") for x in (real, generated)))
    same(found, value(single))


FEATURES = [name for name in TABLE if "features" in TABLE[name]().get_config()]


@pytest.mark.parametrize("name", FEATURES)
def test_features_are_a_keras_model_or_a_function(name):
    real, generated = pair()
    real, generated = real.astype("float32"), generated.astype("float32")
    layers = [keras.Input((3,)), keras.layers.Dense(4), keras.layers.ReLU()]
    model = keras.Sequential(layers)
    expected = value(updated(TABLE[name], model(real), model(generated)))
    by_model = TABLE[name](features=model)
    by_model.update_state(real, generated)
    same(by_model, expected)
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(by_model)
    )
    assert isinstance(copy.features, keras.Model)
    with pytest.raises(ValueError, match="features must be a function"):
        TABLE[name](features=3)
