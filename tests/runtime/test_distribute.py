import json
import os
import subprocess
import sys

import keras
import kill
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.runtime import distribute

LOSSES = {
    "pcd": gz.losses.PersistentContrastiveDivergence(steps=2, chains=16),
    "cd": gz.losses.ContrastiveDivergence(steps=2),
    "exact": gz.losses.ExactLikelihood(),
    "pseudo": gz.losses.Pseudolikelihood(sites=3),
}


def train(loss, x, strategy=None, epochs=2, batch_size=32, **options):
    strategy = strategy or tf.distribute.get_strategy()
    with strategy.scope():
        rbm = gz.RBM(
            gz.units.Bernoulli(6), gz.units.Bernoulli(4), seed=5, **options
        )
        rbm.compile(keras.optimizers.SGD(0.1), LOSSES[loss])
    history = rbm.fit(x, batch_size=batch_size, epochs=epochs, verbose=0)
    return rbm, history


@pytest.fixture(scope="module")
def trained(bits, two):
    """(model, history) of "pcd" on one device, and on two."""
    return train("pcd", bits), train("pcd", bits, two)


def assert_same(one, both):
    (one, history), (both, histories) = one, both
    assert not np.allclose(one.kernel, 0, atol=0.02)
    for a, b in zip(one.parameters, both.parameters, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-6)
    np.testing.assert_allclose(
        history.history["loss"], histories.history["loss"], atol=1e-5
    )


def test_two_replicas_learn_from_an_even_last_batch(trained):
    # 300 rows in batches of 32: the last batch is 12, 6 for each replica.
    assert_same(*trained)


@pytest.mark.parametrize("loss", LOSSES)
def test_two_replicas_learn_what_one_device_learns(loss, bits, two):
    # Of 289 rows the last batch is 1, which leaves the second replica none.
    x = bits[:289]
    assert_same(train(loss, x), train(loss, x, two))


def test_regularizers_are_not_counted_twice(bits, two, trained):
    options = {"kernel_regularizer": keras.regularizers.L1L2(0.02, 0.05)}
    (plain, _), _ = trained
    one, _ = train("pcd", bits, **options)
    both, _ = train("pcd", bits, two, **options)
    np.testing.assert_allclose(one.kernel, both.kernel.numpy(), atol=1e-6)
    assert np.abs(one.kernel).sum() < 0.9 * np.abs(plain.kernel).sum()


def test_two_replicas_see_the_likelihood_of_a_dataset(bits, two):
    # By `Falling`, which looks ahead to where the weights will rest.
    data = tf.data.Dataset.from_tensor_slices(bits).batch(20)
    found = []
    for strategy in (tf.distribute.get_strategy(), two):
        with strategy.scope():
            rbm = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(4), seed=5)
            rbm.compile()
        found.append((rbm, rbm.fit(data, epochs=2, verbose=0)))
    assert_same(*found)


def test_each_replica_draws_its_own_rows(two):
    counter = gz.runtime.random.DrawCounter(seed=1)
    seed = counter.next()
    whole = gz.runtime.random.uniform((8, 5), seed)

    @tf.function
    def draw():
        def in_replica():
            first, rows = distribute.global_rows(tf.constant(4))
            assert rows.dtype == tf.int32
            return gz.runtime.random.uniform((4, 5), seed.at_row(first))

        return two.run(in_replica)

    parts = two.experimental_local_results(draw())
    np.testing.assert_array_equal(tf.concat(parts, 0), whole)


def test_chains_of_all_replicas_are_saved_and_loaded(
    bits, two, trained, tmp_path
):
    (one, _), (both, _) = trained
    chains = both.chains.read_all().numpy()
    np.testing.assert_array_equal(chains, one.chains.read_all())
    assert len(np.unique(chains, axis=0)) > 4
    path = tmp_path / "both.weights.h5"
    both.save_weights(path)
    fresh, _ = train("pcd", bits, epochs=1)
    fresh.load_weights(path)
    np.testing.assert_array_equal(fresh.chains.read_all(), chains)
    with two.scope():
        again = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(4))
        again.compile(keras.optimizers.SGD(0.1), LOSSES["pcd"])
    again.load_weights(path)
    np.testing.assert_array_equal(again.chains.read_all(), chains)
    # and training goes on equally on one device and on two
    fresh.fit(bits, batch_size=32, verbose=0)
    again.fit(bits, batch_size=32, verbose=0)
    np.testing.assert_allclose(
        fresh.kernel.numpy(), again.kernel.numpy(), atol=1e-6
    )


def test_chains_must_divide_among_replicas(two):
    with two.scope(), pytest.raises(ValueError, match="chains=15.*2 replicas"):
        distribute.Chains(15, 4)


def test_keras_distribution_is_refused():
    devices = keras.distribution.list_devices("cpu")
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(devices=devices[:1])
    )
    try:
        with pytest.raises(ValueError, match="no effect on the TensorFlow"):
            gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(4))
    finally:
        keras.distribution.set_distribution(None)


def test_options_that_fail_on_replicas_are_refused(two):
    with two.scope():
        rbm = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(4))
        with pytest.raises(ValueError, match="jit_compile=True"):
            rbm.compile(jit_compile=True)
    assert not rbm.compiled


class _Batches(keras.callbacks.Callback):
    """The numbers of the batches that callbacks are told of."""

    def on_train_begin(self, logs=None):
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(batch)


@pytest.mark.parametrize(
    "kind", ["rows", "dataset", "even", "endless", "unknown"]
)
def test_several_steps_in_one_call_are_as_many_single_ones(two, bits, kind):
    def data(kind):
        if kind == "rows":
            return {"x": bits, "batch_size": 32}
        made = tf.data.Dataset.from_tensor_slices(bits)
        made = made.batch(32, drop_remainder=kind == "even")
        if kind == "unknown":
            return {"x": made.filter(lambda x: True)}
        if kind == "endless":
            return {"x": made.repeat(), "steps_per_epoch": 7}
        return {"x": made}

    def trained(at_once):
        # Of a length that is not known Keras begins a step too many, alone.
        is_one = at_once == 1
        with two.scope():
            rbm = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(4), seed=5)
            # 10 batches, or 7, in groups of 4: the last one is shorter.
            rbm.compile("sgd", LOSSES["pcd"], steps_per_execution=at_once)
        note = _Batches()
        told = rbm.fit(
            **data("dataset" if is_one and kind == "unknown" else kind),
            epochs=3,
            validation_data=bits[:80],
            verbose=0,
            callbacks=[note],
        )
        again = rbm.evaluate(bits[:100], batch_size=32, return_dict=True)
        return rbm, told.history, again, note.seen

    (one, logs, scores, _), (four, logs_4, scores_4, seen) = map(
        trained, (1, 4)
    )
    np.testing.assert_array_equal(one.kernel, four.kernel)
    np.testing.assert_array_equal(one.chains.read_all(), four.chains.read_all())
    for name, values in logs.items():
        np.testing.assert_allclose(values, logs_4[name], rtol=1e-6, atol=1e-7)
    assert scores == pytest.approx(scores_4)
    counts = [int(m.optimizer.iterations.numpy()) for m in (one, four)]
    assert counts[0] == counts[1]
    if kind == "rows":
        assert seen[:3] == [3, 7, 11]


WORKER = """
import sys
import keras, numpy as np, tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
import genzoo as gz
x = np.load(sys.argv[1])
with strategy.scope():
    rbm = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(4), seed=5)
    rbm.compile(
        keras.optimizers.SGD(0.1),
        gz.losses.PersistentContrastiveDivergence(steps=2, chains=16),
    )
callbacks = [
    keras.callbacks.BackupAndRestore("backup"),
    keras.callbacks.ModelCheckpoint("saved/{epoch}.weights.h5",
                                    save_weights_only=True),
    keras.callbacks.CSVLogger("log.csv"),
    gz.callbacks.SampleGrid("grids", image_shape=(2, 3)),
]
history = rbm.fit(x, batch_size=len(x), epochs=4, callbacks=callbacks)
if strategy.cluster_resolver.task_id == 0:
    np.savez(sys.argv[2], kernel=rbm.kernel.numpy(),
             loss=history.history["loss"])
"""


def test_two_worker_processes_learn_what_one_device_learns(bits, tmp_path):
    np.save(tmp_path / "x.npy", bits)
    workers = [f"127.0.0.1:{port}" for port in kill.free_ports(2)]
    processes = []
    for index in range(2):
        task = {"type": "worker", "index": index}
        config = {"cluster": {"worker": workers}, "task": task}
        environment = {**os.environ, "TF_CONFIG": json.dumps(config)}
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", WORKER, "x.npy", "result.npz"],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    told = []
    for process in processes:
        output, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors[-3000:]
        told.append("Epoch 4/4" in output)
    assert told == [True, False]
    names = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.*")}
    saved = {f"saved/{epoch}.weights.h5" for epoch in (1, 2, 3, 4)}
    grids = {f"grids/epoch_000{epoch}.png" for epoch in (1, 2, 3, 4)}
    assert names == saved | grids | {"x.npy", "log.csv", "result.npz"}
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", *"0123"]
    # One batch an epoch: tf.data may deal rows to the workers in any order.
    one, history = train("pcd", bits, epochs=4, batch_size=len(bits))
    with np.load(tmp_path / "result.npz") as result:
        np.testing.assert_allclose(result["kernel"], one.kernel, atol=1e-6)
        np.testing.assert_allclose(
            np.ravel(result["loss"]), history.history["loss"], atol=1e-5
        )


def test_what_holds_a_kernel_holds_it_on_two_replicas(bits, two):
    options = {
        "kernel_mask": np.tri(6, 4) > 0,
        "kernel_constraint": keras.constraints.MaxNorm(0.6),
        "bias_regularizer": [None, keras.regularizers.L2(0.1)],
        "sparsity": 0.2,
    }
    one, _ = train("pcd", bits, **options)
    both, _ = train("pcd", bits, two, **options)
    for a, b in zip(one.parameters, both.parameters, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-5)
    kernel = both.kernel.numpy()
    assert (kernel[np.tri(6, 4) == 0] == 0).all()
    assert (np.linalg.norm(kernel, axis=0) < 0.6 + 1e-4).all()
    assert np.linalg.norm(kernel, axis=0).max() > 0.59
