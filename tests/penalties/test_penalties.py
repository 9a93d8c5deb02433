import keras
import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import assert_kolmogorov_smirnov

import genzoo as gz
from genzoo import penalties
from genzoo.penalties import DRAGAN, R1, R2, GradientPenalty
from genzoo.runtime import distribute, random

EVERY = [R1(0.3), R2(0.2), GradientPenalty(2.0), DRAGAN(3.0)]
every_penalty = pytest.mark.parametrize(
    "penalty", EVERY, ids=lambda penalty: type(penalty).__name__
)
SEED = random.as_seed(3)
W = np.array([0.3, -1.2, 0.5], "float32")


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 16, 3)).astype("float32")
    x[0] += 2
    return x


def linear(x, condition=()):
    return tf.linalg.matvec(x, W)


def quadratic(x, condition=()):
    return tf.reduce_sum(tf.square(x), axis=1) / 2


def total(which, critic, real, fake, seed=SEED, condition=()):
    return penalties.total(
        which, critic, tf.constant(real), tf.constant(fake), condition, seed
    )


def one_centred(norms):
    return np.mean((norms - 1) ** 2)


@every_penalty
def test_penalties_equal_their_closed_forms(penalty, batch):
    real, fake = batch
    seed = random.fold_in(SEED, 0)
    points = penalty.points(tf.constant(real), tf.constant(fake), seed).numpy()
    # The gradient of w.x is w; that of |x|^2 / 2 is x.
    norms = {linear: np.full(16, np.linalg.norm(W))}
    norms[quadratic] = np.linalg.norm(points, axis=1)
    for critic, norm in norms.items():
        zero_centred = isinstance(penalty, (R1, R2))
        cost = np.mean(norm**2) / 2 if zero_centred else one_centred(norm)
        np.testing.assert_allclose(
            total([penalty], critic, real, fake),
            penalty.weight * cost,
            rtol=1e-5,
        )


def test_r1_looks_at_data_and_r2_at_fakes(batch):
    real, fake = batch
    assert R1(1.0).points(real, fake, SEED) is real
    assert R2(1.0).points(real, fake, SEED) is fake


def test_points_of_the_gradient_penalty_are_uniform_on_the_segments():
    real = tf.zeros((4000, 3))
    fake = tf.constant([[1.0, 2.0, -4.0]]) + tf.zeros((4000, 1))
    points = GradientPenalty().points(real, fake, SEED).numpy()
    share = points / fake.numpy()
    np.testing.assert_allclose(share, share[:, :1] + np.zeros(3), rtol=1e-5)
    assert_kolmogorov_smirnov(share[:, 0], lambda u: u)
    # One number for each pair of images too.
    images = tf.ones((3, 4, 4, 2))
    mixed = GradientPenalty().points(0 * images, images, SEED).numpy()
    assert (mixed == mixed[:, :1, :1, :1]).all()
    assert len(np.unique(mixed)) == 3


def test_noise_of_dragan_is_half_a_standard_deviation_wide():
    rng = np.random.default_rng(1)
    real = (1e3 + rng.normal(scale=3, size=(3000, 2))).astype("float32")
    noise = DRAGAN().points(tf.constant(real), None, SEED).numpy() - real
    width = real.std() / 2
    # Data of this size are known to 1e-4.
    assert noise.min() >= -1e-4
    assert noise.max() < width + 1e-4
    assert_kolmogorov_smirnov(noise.ravel(), lambda x: x / width)


def test_a_fraction_of_the_batch_is_unbiased(batch):
    real, fake = batch
    penalty = R1(0.7, fraction=1 / 4)
    shares = [
        total([penalty], quadratic, np.roll(real, k, axis=0), fake).numpy()
        for k in range(4)
    ]
    assert np.std(shares) > 0.01
    whole = total([R1(0.7)], quadratic, real, fake)
    np.testing.assert_allclose(np.mean(shares), whole, rtol=1e-5)
    # An epoch's last batch: fewer rows than the period.
    np.testing.assert_allclose(
        total([penalty], quadratic, real[:2], fake[:2]),
        0.35 * np.sum(real[0] ** 2),
        rtol=1e-5,
    )


def test_several_penalties_are_their_sum(batch):
    real, fake = batch
    pair = [R1(0.3), R2(0.2, fraction=1 / 2), R2(0.4)]
    alone = sum(total([p], quadratic, real, fake) for p in pair)
    together = total(pair, quadratic, real, fake)
    np.testing.assert_allclose(together, alone, rtol=1e-6)


def test_no_rows_cost_nothing(batch):
    none = np.zeros((0, 3), "float32")
    assert total(EVERY, quadratic, none, none) == 0


def test_conditions_stay_with_their_rows(batch):
    real, fake = batch
    scale = tf.constant(np.arange(16), tf.float32)

    def critic(x, condition):
        return condition[0] * tf.reduce_sum(x, axis=1)

    both = [R1(1.0, fraction=1 / 2), R2(1.0, fraction=1 / 2)]
    found = total(both, critic, real, fake, condition=(scale,))
    # |grad|^2 = 3 c^2, at every second row.
    expected = 3 * np.mean(np.arange(0, 16, 2.0) ** 2)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_two_replicas_look_at_the_rows_that_one_device_does(batch, two):
    real, fake = batch
    which = [
        R1(1.0, fraction=1 / 3),
        GradientPenalty(1.0, fraction=1 / 2),
        DRAGAN(1.0),
    ]

    @tf.function
    def shares(rows):
        def in_replica():
            # The second replica begins where the first one ends.
            is_first = distribute.replica_id() == 0
            begin = tf.where(is_first, 0, rows)
            end = tf.where(is_first, rows, len(real))
            first, _ = distribute.global_rows(end - begin)
            parts = [tf.constant(x)[begin:end] for x in (real, fake)]
            return penalties.total(
                which, quadratic, *parts, (), SEED.at_row(first)
            )

        return two.run(in_replica)

    whole = total(which, quadratic, real, fake)
    # In equal parts; unequal ones; all rows on one replica.
    for rows in (8, 11, 16):
        parts = two.experimental_local_results(shares(tf.constant(rows)))
        np.testing.assert_allclose(sum(parts), whole, rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_float32_under_mixed_precision(policy, batch):
    real, fake = batch
    values = {}
    for dtype in ("float32", policy):
        layer = keras.layers.Dense(1, dtype=dtype)
        layer.build((None, 3))
        layer.kernel.assign(W[:, None])

        def critic(x, condition, layer=layer):
            logits = tf.reshape(layer(x), (-1,))
            assert logits.dtype.name in (policy, layer.compute_dtype)
            return tf.cast(logits, tf.float32)

        values[dtype] = total(EVERY, critic, real, fake)
        assert values[dtype].dtype == tf.float32
    # The weights have 8 bits, and the cost is of their squares.
    np.testing.assert_allclose(values[policy], values["float32"], rtol=0.03)


@pytest.mark.parametrize("kind", [R1, R2, GradientPenalty, DRAGAN])
def test_arguments(kind):
    for weight in (0, -1.0, "strong", None, True, np.inf, np.nan):
        with pytest.raises(ValueError, match=f"{kind.__name__}: weight"):
            kind(weight)
    for fraction in (0, 2, 0.3, -0.5, "half", np.nan):
        with pytest.raises(ValueError, match=f"{kind.__name__}: fraction"):
            kind(1.0, fraction=fraction)
    penalty = kind(0.5, fraction=1 / 8)
    config = keras.saving.serialize_keras_object(penalty)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is kind
    assert again.get_config() == {"weight": 0.5, "fraction": 1 / 8}
    assert gz.penalties is penalties
