"""Draws are Philox at an address; seeds and counters give the addresses."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import assert_chi_square, assert_kolmogorov_smirnov

from genzoo.runtime import random


def bernoulli(shape, seed, dtype="float32"):
    return random.bernoulli(tf.fill(shape, tf.constant(0.3, dtype)), seed)


def words(seed, count):
    """The random 64-bit words that a seed's draws are made of."""
    return random._draw(
        tf.raw_ops.StatelessRandomUniformFullIntV2, (count,), seed, tf.int64
    )


# Seeds ------------------------------------------------------------------


@pytest.mark.parametrize("pair", [(7, 0), (-3, 2**62), [1, 2]])
def test_uniform_is_tensorflows_philox(pair):
    ours = random.uniform((5, 3), random.as_seed(pair))
    theirs = tf.random.stateless_uniform((5, 3), pair, alg="philox")
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_draws_are_the_same_under_xla(dtype):
    def drawn(key):
        # Halves of more than 32 bits; a first row inside a block.
        for seed in (random.Seed(key), random.Seed(key, 5)):
            own, *_ = random.split(random.fold_in(seed, 7), 2)
            yield random.uniform((7, 3), own, dtype)
            yield random.normal((7, 3), own, dtype)
            yield bernoulli((7, 3), own, dtype)
            yield random.words((7, 3), own)

    key = tf.constant([2**40 + 3, -7], tf.int64)
    compiled = tf.function(
        lambda key: list(drawn(key)), jit_compile=True, autograph=False
    )
    epsilon = 2e-6 if dtype == "float32" else 1e-12
    for number, (one, other) in enumerate(
        zip(drawn(key), compiled(key), strict=True)
    ):
        one, other = (tf.cast(t, tf.float64) for t in (one, other))
        # Normal numbers have a logarithm and a sine.
        tolerance = epsilon if number % 4 == 1 else 0
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


def test_every_spelling_of_a_seed_is_the_same_seed():
    for seed in (7, np.int64(7), (7, 0), [7, 0], np.array([7, 0])):
        np.testing.assert_array_equal(random.as_seed(seed).key, [7, 0])
    seed = random.as_seed(7)
    assert random.as_seed(seed) is seed
    np.testing.assert_array_equal(random.as_seed(seed.key).key, [7, 0])


@pytest.mark.parametrize(
    "seed",
    [
        1.0,
        (1.0, 2.0),
        "1",
        ("1", "2"),
        (1, 2, 3),
        (1,),
        True,
        None,
        2**64,
        2**63,
    ]
    + [(True, False), [[1, 2]]],
)
def test_other_seeds_are_refused(seed):
    with pytest.raises(ValueError, match="seed must be an int or a pair"):
        random.as_seed(seed)


def test_children_are_numbered_and_differ_from_each_other_and_from_draws():
    seed = random.as_seed(3)
    children = random.split(seed, 100)
    keys = np.array([child.key for child in children])
    for number in (0, 1, 41, 99):
        child = random.fold_in(seed, number)
        np.testing.assert_array_equal(child.key, keys[number])
        child = random.fold_in(seed, tf.constant(number))
        np.testing.assert_array_equal(child.key, keys[number])
    every_word = np.concatenate([keys.ravel(), words(seed, 10000), seed.key])
    assert len(np.unique(every_word)) == len(every_word)
    grandchildren = [random.fold_in(child, 0).key for child in children]
    assert not np.isin(grandchildren, every_word).any()


def test_children_keep_the_row():
    seed = random.as_seed(3).at_row(5)
    for child in [random.fold_in(seed, 1), *random.split(seed, 2)]:
        assert child.row == 5


# Rows ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
@pytest.mark.parametrize("draw", [random.uniform, random.normal, bernoulli])
def test_rows_do_not_depend_on_which_others_are_drawn(draw, dtype):
    seed = random.as_seed(11)
    for event in [(), (1,), (4,), (5,), (3, 7)]:
        whole = draw((40, *event), seed, dtype)
        assert whole.dtype == dtype
        for first, rows in [(0, 3), (1, 1), (2, 5), (7, 33), (39, 1)]:
            window = draw((rows, *event), seed.at_row(first), dtype)
            np.testing.assert_array_equal(window, whole[first : first + rows])


def test_first_row_and_number_of_rows_may_be_tensors():
    seed = random.as_seed(11)

    @tf.function
    def draw(first, rows):
        return random.normal((rows, 5), seed.at_row(first))

    whole = random.normal((40, 5), seed)
    for first, rows in [(0, 3), (13, 4)]:
        window = draw(tf.constant(first), tf.constant(rows))
        np.testing.assert_array_equal(window, whole[first : first + rows])


def test_rows_beyond_32_bits_are_drawn():
    seed = random.as_seed(11).at_row(2**40 + 3)
    number = random.uniform((2, 5), seed)
    again = random.uniform((1, 5), seed.at_row(2**40 + 4))
    np.testing.assert_array_equal(number[1:], again)
    assert len(np.unique(number)) == 10


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_distributions(dtype):
    seed = random.as_seed(2).at_row(3)
    u = tf.reshape(random.uniform((5000, 3), seed, dtype), [-1])
    assert_kolmogorov_smirnov(u, lambda x: x)
    z = tf.reshape(random.normal((5000, 3), seed, dtype), [-1])
    assert_kolmogorov_smirnov(z, lambda x: 0.5 * tf.math.erfc(-x / 2**0.5))


# Bernoulli ------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_bernoulli_gives_zero_and_one_only(dtype):
    p = tf.cast(tf.linspace(0.0, 1.0, 1001), dtype) + tf.zeros((50, 1), dtype)
    x = random.bernoulli(p, random.as_seed(0))
    assert x.dtype == dtype
    assert x.shape == p.shape
    np.testing.assert_array_equal(np.unique(x), [0.0, 1.0])
    assert not np.signbit(x).any()


@pytest.mark.parametrize("row", [0, 354, 2356])
def test_bernoulli_of_0_is_never_and_of_1_is_always(row):
    # Rows 354 and 2356 of this seed are those in which the bits that a row
    # shares are nearly all ones: 0 - u is rounded to -1 there.
    seed = random.as_seed(0).at_row(row)
    shape = (1, 2**20)
    assert not np.any(random.bernoulli(tf.zeros(shape), seed))
    assert np.all(random.bernoulli(tf.ones(shape), seed))


@pytest.mark.parametrize(
    "p", [2.0**-17, 3 * 2.0**-17, 1e-3, 0.3, 0.5, 0.999, 1 - 2.0**-17]
)
def test_bernoulli_has_the_right_frequency(p):
    shape = (2**17, 2**6)
    n = 2**23
    p = np.float32(p)
    x = random.bernoulli(tf.fill(shape, p), random.as_seed(1))
    rare = min(p, 1 - np.float64(p))
    count = tf.math.count_nonzero(x if p <= 0.5 else 1 - x)
    # At 64 expected draws a Poisson count is still skewed: 4.5 standard errors.
    assert abs(int(count) - n * rare) < 4.5 * np.sqrt(n * rare * (1 - rare))


def test_bernoulli_numbers_of_a_row_are_independent():
    p = np.array([0.3, 0.5, 0.8])
    shape = (20000, 1)
    x = random.bernoulli(tf.constant(p, tf.float32) + tf.zeros(shape), SEED)
    outcomes = np.array(list(np.ndindex(2, 2, 2)))
    counts = np.bincount((x @ [[4.0], [2.0], [1.0]]).numpy().astype(int)[:, 0])
    exact = np.prod(np.where(outcomes, p, 1 - p), axis=1)
    assert_chi_square(counts, exact)


SEED = random.as_seed(9)


# Permutations and the counter ---------------------------------------------


def test_permutation_is_one_and_a_function_of_its_key():
    order = random.permutation(1000, (3, 4))
    np.testing.assert_array_equal(np.sort(order), np.arange(1000))
    np.testing.assert_array_equal(order, random.permutation(1000, (3, 4)))
    for key in [(4, 3), (3, 5), (-3, 4)]:
        assert np.any(order != random.permutation(1000, key))


def test_first_place_of_a_permutation_is_uniform():
    first = [random.permutation(5, (0, k))[0] for k in range(2000)]
    assert_chi_square(np.bincount(first), np.full(5, 0.2))


def draws(counter, stream, count=3):
    return np.array([counter.next(stream).key for _ in range(count)])


def test_streams_of_a_counter_are_independent():
    counter = random.DrawCounter(seed=5)
    training = draws(counter, random.TRAINING)
    sampling = draws(counter, random.SAMPLING)
    keys = np.concatenate([training, sampling])
    assert len(np.unique(keys)) == keys.size
    # the other order gives the same two streams
    counter = random.DrawCounter(seed=5)
    np.testing.assert_array_equal(draws(counter, random.SAMPLING), sampling)
    np.testing.assert_array_equal(draws(counter, random.TRAINING), training)
    other = random.DrawCounter(seed=6)
    assert not np.isin(draws(other, random.TRAINING), keys).any()


def test_counter_counts_in_a_graph():
    eager, graph = random.DrawCounter(5), random.DrawCounter(5)
    following = tf.function(lambda: graph.next().key)
    for key in draws(eager, random.TRAINING):
        np.testing.assert_array_equal(following(), key)


def test_counter_goes_on_from_its_weight():
    counter = random.DrawCounter(seed=(5, 6))
    draws(counter, random.TRAINING)
    draws(counter, random.SAMPLING, 2)
    (state,) = counter.get_weights()
    np.testing.assert_array_equal(state, [5, 6, 3, 2])
    other = random.DrawCounter(seed=0)
    other.set_weights([state])
    for stream in (random.TRAINING, random.SAMPLING):
        np.testing.assert_array_equal(
            draws(counter, stream), draws(other, stream)
        )


def test_config_of_a_counter_keeps_the_seed():
    counter = random.DrawCounter(seed=(5, 6))
    config = keras.saving.serialize_keras_object(counter)
    again = keras.saving.deserialize_keras_object(config)
    np.testing.assert_array_equal(
        draws(counter, random.TRAINING), draws(again, random.TRAINING)
    )


def test_unseeded_counters_follow_keras():
    def make():
        keras.utils.set_random_seed(1)
        return [random.DrawCounter() for _ in range(2)]

    one, again = make(), make()
    assert one[0].seed == again[0].seed
    assert one[1].seed == again[1].seed
    assert one[0].seed != one[1].seed
    keras.utils.set_random_seed(2)
    assert random.DrawCounter().seed != one[0].seed


def test_epoch_key_follows_the_seed_and_training_alone():
    counter = random.DrawCounter(seed=-5)
    key = counter.epoch_key()
    draws(counter, random.SAMPLING)
    assert counter.epoch_key() == key
    assert random.DrawCounter(seed=-5).epoch_key() == key
    assert random.DrawCounter(seed=5).epoch_key() != key
    draws(counter, random.TRAINING, 1)
    assert counter.epoch_key() != key
    random.permutation(10, key)
