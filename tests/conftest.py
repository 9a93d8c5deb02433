import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz

# Graphs are millions of objects, which are looked through at each collection;
# models are in cycles, and hold memory and threads until they are found.
gc.set_threshold(200_000, 5, 1_000_000)

# In millions of new objects.
_OFTEN = 1
_LONGEST = "test_fresh_environment_samples_from_every_preset"


def pytest_collection_modifyitems(items):
    """The longest one first: at the end the other process would wait for it."""
    items.sort(key=lambda item: item.name != _LONGEST)


def pytest_collection_finish():
    """Leave what is imported out of all collections; some are asked for."""
    gc.collect()
    gc.freeze()


def pytest_runtest_logfinish():
    """Look through what is new; what is left of it, never again.

    Old pages may have been swapped out: to touch them takes a hundred times
    as long as to look.
    """
    if gc.get_count()[2] >= _OFTEN:
        gc.collect()
        gc.freeze()


# Two logical devices, so that strategies of two replicas run anywhere.
_CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    _CPU, [tf.config.LogicalDeviceConfiguration()] * 2
)


@pytest.fixture
def eagerly():
    """Small models take longer to be traced than to be trained."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def digits():
    """(x_train, x_test), 0 and 1, uint8, (n, 64)."""
    (x, _), (x_test, _) = gz.datasets.digits.load_data()
    return [(a.reshape(-1, 64) > 7).astype("uint8") for a in (x, x_test)]


@pytest.fixture(scope="session")
def bits():
    """300 correlated examples of six bits, uint8."""
    rng = np.random.default_rng(0)
    x = rng.random((300, 6)) < 0.4
    x[:, 1] = x[:, 0]
    x[:, 3] = ~x[:, 2]
    return x.astype("uint8")


@pytest.fixture
def small_rbm():
    """Makes an RBM of 6 x 4 units, compiled, with SGD."""

    def make(loss="pcd", seed=0, lr=0.1, dtype=None, units=None, **options):
        visible, hidden = units or (
            gz.units.Bernoulli(6, dtype=dtype),
            gz.units.Bernoulli(4, dtype=dtype),
        )
        rbm = gz.RBM(visible, hidden, seed=seed, dtype=dtype, **options)
        rbm.compile(keras.optimizers.SGD(lr), loss)
        return rbm

    return make


@pytest.fixture(scope="session")
def fitted_weights(bits):
    rbm = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(4), seed=0)
    rbm.compile(
        keras.optimizers.Adam(0.05),
        "exact_likelihood",
        steps_per_execution=30,
    )
    rbm.fit(bits, epochs=30, batch_size=10, verbose=0)
    return rbm.get_weights()


@pytest.fixture
def fitted(small_rbm, fitted_weights):
    rbm = small_rbm("exact_likelihood")
    rbm.set_weights(fitted_weights)
    return rbm


# One for all tests: a second strategy of the same devices would take the
# first one's collective operations, of other shapes, for its own.
@pytest.fixture(scope="session")
def two():
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.fixture(scope="session")
def run(request, tmp_path_factory):
    """The trained model of a case of the contract, for all tests of it.

    Tests name the case in a parameter of the session's scope: pytest then
    puts those of one case one after the other.
    """
    # Models may be made once the devices are set.
    import contract

    return contract.Run(request.param, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="session")
def serving():
    """A process with TensorFlow alone, which draws from what is exported."""
    import contract

    child = contract.Child(contract.SERVES)
    yield child
    child.close()
