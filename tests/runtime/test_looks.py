import gc

import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo import units as U
from genzoo.runtime import looks

BATCHES = 100


def _cached(path="", by_user=False):
    x = np.random.default_rng(0).integers(0, 2, (30 * BATCHES, 4))
    # Stages that run in threads on both sides of the cache.
    source = tf.data.Dataset.from_tensor_slices(x.astype("float32")).batch(30)
    source = source.map(tf.identity, num_parallel_calls=2).prefetch(2)
    cached = source.cache(str(path) if path else "")
    read = cached.map(lambda x: x + 0)
    return cached, read.prefetch(2) if by_user else read


# Of the parent revision one look in three left a cache of one to five batches.
@pytest.mark.parametrize("by_user", [False, True])
@pytest.mark.parametrize("steps", [None, 1, 3])
def test_a_cache_is_whole_after_looks(by_user, steps):
    for _ in range(10):
        cached, read = _cached(by_user=by_user)
        for _ in range(3):
            element = next(looks.first_batches(read, steps))
            assert element.shape == (30, 4)
        gc.collect()
        assert sum(1 for _ in cached) == BATCHES
        # Iterators that end now find a cache that is complete.
        del cached._genzoo_readers, read
        assert sum(1 for _ in cached) == BATCHES


def test_a_cache_in_a_file_is_filled_first(tmp_path):
    for number in range(5):
        cached, read = _cached(tmp_path / str(number), by_user=True)
        for _ in range(3):
            assert len(list(looks.first_batches(read, 2))) == 2
        assert sum(1 for _ in cached) == BATCHES
        assert (tmp_path / f"{number}.index").exists()


def test_a_complete_file_is_not_read_again(tmp_path):
    cached, read = _cached(tmp_path / "of")
    next(looks.first_batches(read))
    calls = []

    def count(x):
        calls.append(1)
        return x

    counted = tf.data.Dataset.range(BATCHES).map(
        lambda x: tf.py_function(count, [x], tf.int64)
    )
    again = counted.cache(str(tmp_path / "of"))
    # Other data behind the same name: the file is what counts.
    assert tf.io.gfile.exists(str(tmp_path / "of.index"))
    looks._fill(again)
    assert not calls


def test_an_endless_cache_is_looked_at():
    endless = tf.data.Dataset.range(3).repeat().cache().prefetch(2)
    assert [int(x) for x in looks.first_batches(endless, 4)] == [0, 1, 2, 0]


def test_all_of_a_dataset_without_steps():
    assert len(list(looks.first_batches(tf.data.Dataset.range(7)))) == 7
    assert len(list(looks.first_batches(tf.data.Dataset.range(7), 9))) == 7


def test_iterators_do_not_add_up():
    cached, read = _cached()
    for _ in range(30):
        next(looks.first_batches(read))
    assert len(cached._genzoo_readers) <= 8


MODELS = {
    "rbm": lambda: gz.RBM(U.Bernoulli(4), U.Bernoulli(3), seed=0),
    "energy": lambda: gz.EnergyModel(gz.spaces.Binary(4), seed=0),
    "gan": lambda: gz.GAN(*gz.networks.mlp(3, 4), seed=0),
    "boltzmann": lambda: gz.BoltzmannMachine(gz.spaces.Binary(4), seed=0),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_fit_sees_all_of_cached_data(name):
    cached, read = _cached(by_user=True)
    held, read_held = _cached(by_user=True)
    model = MODELS[name]()
    model.compile()
    told = {} if name == "gan" else {"validation_data": read_held}
    model.fit(read, epochs=2, verbose=0, **told)
    assert sum(1 for _ in cached) == BATCHES
    assert sum(1 for _ in held) == BATCHES


def test_an_evaluation_sees_all_of_cached_data():
    rbm = gz.RBM(U.Bernoulli(4), U.Bernoulli(3), seed=0)
    rbm.compile()
    rbm.adapt(np.eye(4))
    cached, read = _cached(by_user=True)
    found = rbm.evaluate(read, verbose=0)
    assert sum(1 for _ in cached) == BATCHES
    x = np.concatenate(list(cached.as_numpy_iterator()))
    assert found == pytest.approx(-rbm.log_prob(x).mean(), abs=1e-5)


def test_nothing_is_read_ahead_without_a_cache():
    read = []

    def numbers():
        for number in range(50):
            read.append(number)
            yield number

    spec = tf.TensorSpec((), tf.int64)
    dataset = tf.data.Dataset.from_generator(numbers, output_signature=spec)
    assert [int(x) for x in looks.first_batches(dataset, 2)] == [0, 1]
    assert len(read) <= 3
