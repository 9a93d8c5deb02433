"""A discriminator that judges no more is told from an equilibrium."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from scipy import stats

import genzoo as gz
from genzoo.models.gan.health import differs, lost, outside, tells
from genzoo.runtime import random

rng = np.random.default_rng(0)
x = rng.normal(size=(512, 3)).astype("float32")


def dead(units):
    """A discriminator of which some of 8 units are zero on all data."""
    given = keras.Input((3,))
    hidden = layers.Dense(8, "relu")
    network = keras.Model(given, layers.Dense(1)(hidden(given)))
    kernel, bias = hidden.get_weights()
    bias[:units] = -1000.0
    bias[units:] = 1000.0
    hidden.set_weights([kernel, bias])
    return network


def far_generator():
    z = keras.Input((2,))
    return keras.Model(z, layers.Dense(3, bias_initializer="ones")(z))


@pytest.mark.parametrize("units", [0, 6, 8])
def test_dead_units_are_counted(units):
    gan = gz.GAN(far_generator(), dead(units))
    gan.compile(keras.optimizers.SGD(1e-9), penalties=[])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logs = gan.fit(x, epochs=2, verbose=0).history
    assert logs["dead_units"] == [units / 8] * 2
    assert (logs["logit_spread"][0] < 1e-6) == (units == 8)
    assert (logs["sample_gradient"][0] == 0) == (units == 8)
    assert logs["loss"] == logs["discriminator_loss"]


def test_spread_and_gradient_of_a_linear_discriminator():
    given = keras.Input((3,))
    gan = gz.GAN(far_generator(), keras.Model(given, layers.Dense(1)(given)))
    gan.compile(keras.optimizers.SGD(1e-9), penalties=[])
    logs = gan.fit(x, verbose=0).history
    kernel = gan.discriminator.get_weights()[0]
    np.testing.assert_allclose(
        logs["sample_gradient"][0], np.linalg.norm(kernel), rtol=1e-5
    )
    both = np.concatenate([gan.score(x), gan.score(gan.sample(512))])
    np.testing.assert_allclose(logs["logit_spread"][0], both.std(), rtol=0.1)


def test_a_dead_discriminator_is_warned_of():
    gan = gz.GAN(far_generator(), dead(8))
    gan.compile(keras.optimizers.SGD(1e-9), penalties=[])
    with pytest.warns(UserWarning, match="gives nearly one logit.*dead_units"):
        gan.fit(x, epochs=3, verbose=0)


def test_a_quiet_discriminator_that_judges_is_not_warned_of():
    """Logits of good samples are small, too: death is to tell nothing."""
    given = keras.Input((3,))
    small = keras.initializers.Constant(0.02)
    judge = keras.Model(given, layers.Dense(1, kernel_initializer=small)(given))
    # The rank test finds something of a blind one in 3 of the seeds 0 to 19.
    keras.utils.set_random_seed(1)
    gan = gz.GAN(far_generator(), judge, seed=0)
    gan.compile(keras.optimizers.SGD(1e-9), penalties=[])
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "GAN.fit: the discriminator")
        logs = gan.fit(x, epochs=3, verbose=0).history
    assert max(logs["logit_spread"]) < 0.1
    # One that looks where samples do not differ knows nothing.
    judge.layers[-1].kernel.assign([[0.02], [-0.02], [0.0]])
    with pytest.warns(UserWarning, match="gives nearly one logit"):
        gan.fit(x, epochs=3, verbose=0)


@pytest.mark.parametrize(
    ("n", "m", "shape"),
    [(200, 200, (1,)), (60, 300, (1,)), (100, 80, (2, 2, 1))],
)
def test_the_rank_test_is_that_of_mann_and_whitney(n, m, shape):
    found = []
    for seed, shift in enumerate(np.linspace(0, 1, 21)):
        generator = np.random.default_rng(seed)
        # Rounded, so that some are equal.
        a, b = (
            np.round(generator.standard_cauchy((k, *shape)), 1) for k in (n, m)
        )
        a += shift
        one, other = (
            part.reshape(len(part), -1).mean(axis=1) for part in (a, b)
        )
        p = stats.mannwhitneyu(one, other, method="asymptotic").pvalue
        own = bool(tells(tf.constant(a), tf.constant(b)))
        # Near the threshold ties count a little in SciPy's error.
        if not 0.0024 < p < 0.003:
            assert own == (p < 0.0027)
        found.append(own)
    assert 0 < sum(found) < len(found)


def test_an_equilibrium_is_not_warned_of():
    z = keras.Input((3,))
    exact = keras.Model(z, layers.Rescaling(1.0)(z))
    gan = gz.GAN(exact, dead(8))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gan.compile(keras.optimizers.SGD(1e-9), penalties=[])
        gan.fit(x, epochs=4, verbose=0)


@pytest.mark.parametrize("shift", [0.0, 0.8])
def test_the_test_of_two_laws(shift):
    """At no difference none of 25 is found, at half a deviation all are."""
    found = 0
    for seed in range(25):
        a, b = np.random.default_rng(seed).standard_t(3, (2, 512, 4))
        b[:, 0] += shift
        # A column that is constant but for rounding, and heavy tails.
        a[:, 3], b[:, 3] = 7.3, 7.3 + 1e-6 * b[:, 3]
        a, b = a.astype("float32"), b.astype("float32")
        found += differs(a, b)
    assert found == (25 if shift else 0)


def test_raw_units_of_other_networks_are_warned_of():
    given = keras.Input((3,))
    gan = gz.GAN(far_generator(), keras.Model(given, layers.Dense(1)(given)))
    gan.compile(keras.optimizers.SGD(1e-9), penalties=[])
    with pytest.warns(UserWarning, match="deviations of columns.*Standardiz"):
        gan.fit(x * [1, 1e4, 1], verbose=0)


def test_a_look_is_the_same_in_a_graph():
    """From the tenth epoch on it is one, whose log must go on alike."""
    gan = gz.GAN(*gz.networks.mlp(4, 3, width=8, depth=1), seed=0)
    gan.compile()
    x = np.random.default_rng(2).standard_normal((60, 3)).astype("float32")
    gan.fit(x, epochs=1, verbose=0)
    health = gan._health
    key = random.as_seed(11).key
    for one, other in zip(
        tf.nest.flatten(health._look(key)),
        tf.nest.flatten(health._in_graph()(key)),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    logs = {}
    health.on_epoch_end(11, logs)
    spread = health._look(key)[1]
    np.testing.assert_allclose(logs["logit_spread"], spread, rtol=1e-4)


def groups(n, share, rng, far=50.0, columns=2):
    """Two clusters of unit size, and which rows are of the far one."""
    is_far = np.arange(n) < share * n
    return rng.normal(size=(n, columns)) + far * is_far[:, None], is_far


@pytest.mark.parametrize("columns", [1, 2, 64])
def test_the_share_that_samples_never_reach(columns):
    rng = np.random.default_rng(8)
    x, is_far = groups(500, 0.1, rng, columns=columns)
    y, _ = groups(500, 0.1, rng, columns=columns)
    assert lost(x, y) == 0
    assert lost(x, y[50:]) == pytest.approx(is_far.mean())
    # One number where the data vary is everything lost, or most of it.
    assert lost(x, np.full_like(y, 1e3)) == 1


def test_what_is_no_loss():
    rng = np.random.default_rng(9)
    heavy = rng.standard_t(1.5, size=(2, 500, 2))
    assert lost(*heavy) < 0.02
    whole = rng.integers(0, 3, (500, 2)).astype(float)
    near = whole + 0.2 * rng.normal(size=whole.shape)
    assert lost(whole, near) < 0.02
    assert lost(np.ones((9, 2)), np.zeros((9, 2))) == 0
    assert lost(np.ones((1, 2)), np.zeros((1, 2))) == 0


def halo(rng, rows):
    """A twentieth is ten times as wide as the rest."""
    wide = rng.random((rows, 1)) < 0.05
    return rng.normal(size=(rows, 4)) * np.where(wide, 10, 1) + [0, 5, -3, 100]


def test_rare_rows_far_out_are_told_where_none_is_near_the_other():
    rng = np.random.default_rng(11)
    x, y = halo(rng, 500), halo(rng, 500)
    narrow = rng.normal(size=(500, 4)) + [0, 5, -3, 100]
    # 6 of the standard deviations of most, 1.5 times the farthest of 500.
    distance = np.linalg.norm((x - x.mean(axis=0)) / x.std(axis=0), axis=1)
    most = np.linalg.norm((narrow - x.mean(axis=0)) / x.std(axis=0), axis=1)
    assert outside(x, narrow) == np.mean(distance > 1.5 * most.max()) > 0.03
    assert lost(x, narrow) < 0.02
    assert outside(x, y) < 0.005
    assert outside(np.ones((9, 2)), np.zeros((9, 2))) == 0
    for tails in (1, 2):
        heavy = rng.standard_t(tails, size=(2, 500, 3))
        assert outside(*heavy) < 0.02


def test_a_fit_without_the_wide_part_of_the_data_says_so():
    x = halo(np.random.default_rng(0), 640).astype("float32")
    keras.utils.set_random_seed(0)
    gan = gz.GAN(*gz.networks.mlp(4, 4, width=8, depth=1), seed=0)
    gan.generator.trainable = False
    gan.compile()
    with pytest.warns(UserWarning, match="no sample comes near"):
        gan.fit(x, epochs=10, verbose=0)


def test_a_fit_that_lost_a_part_of_the_data_says_so():
    rng = np.random.default_rng(0)
    x, _ = groups(320, 0.1, rng)
    keras.utils.set_random_seed(0)
    gan = gz.GAN(*gz.networks.mlp(4, 2, width=8, depth=1), seed=0)
    # One that stays about the mean of the data.
    gan.generator.trainable = False
    gan.compile()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "GAN.fit: no sample")
        gan.fit(x, epochs=9, verbose=0)
    with pytest.warns(UserWarning, match="no sample comes near 10% of the"):
        gan.fit(x, epochs=10, verbose=0)
