"""What several replicas cost on this machine, in CPU seconds.

Epochs of 32 updates of a global batch of 256 rows, on 1, 2 and 4 logical
devices of one thread each: the work is the same, and what it takes longer is
the replicas'. Beside it the sum of the gradients alone, by the same strategy;
and a small RBM with 16 steps in a call on two replicas.

What this means for many devices is in `docs/guides/scaling.py`, of which the
bytes are counted by `benchmarks.reduced`.

    python -m benchmarks.devices [--rounds 5]
"""

import time

from benchmarks import common
from benchmarks.reduced import CASES, LARGE

REPLICAS, UPDATES, STEPS = (1, 2, 4), 32, 16
TRIED = (
    "RBM 784x500",
    "deep 784-500-500",
    "pairs of 256 spins",
    "neural energy, 2 numbers",
    "GAN mlp, 2 numbers",
    "GAN dcgan 28x28",
)


def strategy_of(replicas):
    """A strategy of so many logical devices of the processor."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration()] * replicas
    tf.config.set_logical_device_configuration(cpu, logical)
    if replicas == 1:
        return tf.distribute.get_strategy()
    return tf.distribute.MirroredStrategy([f"CPU:{n}" for n in range(replicas)])


def _epochs(model, x, batch, rounds):
    """CPU seconds of the quickest epoch, after the first."""
    import keras

    laps = []

    class Laps(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.began = time.process_time()

        def on_epoch_end(self, epoch, logs=None):
            laps.append(time.process_time() - self.began)

    epochs = rounds + 1
    model.fit(x, batch_size=batch, epochs=epochs, verbose=0, callbacks=[Laps()])
    return min(laps[1:])


def update(name, replicas, rounds):
    """CPU seconds of an update, and of the sum of its gradients alone."""
    import numpy as np
    import tensorflow as tf

    strategy = strategy_of(replicas)
    import genzoo as gz

    with strategy.scope():
        model, x = CASES[name](gz, np)
    x = np.tile(x, (UPDATES * LARGE // len(x),) + (1,) * (x.ndim - 1))
    seconds = _epochs(model, x, LARGE, rounds) / UPDATES
    shapes = [variable.shape for variable in model.trainable_weights]

    def one():
        context = tf.distribute.get_replica_context()
        parts = [tf.ones(shape) for shape in shapes]
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, parts)
        return tf.add_n([tf.reduce_sum(part) for part in total])

    summed = tf.function(lambda: strategy.run(one), autograph=False)
    laps = []
    for _ in range(rounds + 1):
        began = time.process_time()
        for _ in range(UPDATES):
            summed()
        laps.append((time.process_time() - began) / UPDATES)
    return {"update": seconds, "sum": min(laps[1:])}


def together(steps, rounds):
    """CPU seconds of an update of a small RBM on two replicas."""
    import numpy as np

    strategy = strategy_of(2)
    import genzoo as gz

    with strategy.scope():
        rbm = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(16), seed=0)
        rbm.compile(steps_per_execution=steps, watch=False)
    x = np.random.default_rng(0).random((320 * STEPS, 64)) < 0.3
    return _epochs(rbm, x.astype("float32"), 20, rounds) / (16 * STEPS)


def rows(found):
    """Of each family, and of several steps in a call."""
    told = []
    for name in TRIED:
        by = found[name]
        speeds = ", ".join(
            f"{LARGE / by[str(n)]['update']:,.0f}" for n in REPLICAS
        )
        more = 1e3 * (by["4"]["update"] - by["1"]["update"]) / 3
        sums = ", ".join(f"{1e3 * by[str(n)]['sum']:.1f}" for n in REPLICAS[1:])
        told.append(
            common.row(
                f"{name}, batches of {LARGE} on 1, 2, 4 replicas of this "
                "machine: rows a CPU-s; what a further replica adds to an "
                "update; the sum of gradients alone on 2, 4",
                f"{speeds}; {more:.1f} ms; {sums} ms",
            )
        )
    one, many = (found["together"][str(n)] for n in (1, STEPS))
    told.append(
        common.row(
            f"RBM 64x16, batches of 20, two replicas, {STEPS} steps in a call: "
            "CPU ms an update",
            f"{1e3 * many:.2f}",
            f"one step in a call: {1e3 * one:.2f} ({one / many:.1f} x)",
        )
    )
    return told


def main():
    """Measure, one process for each."""
    rounds = common.options(__doc__, rounds=5).rounds
    found = {}
    for name in TRIED:
        found[name] = {}
        for replicas in REPLICAS:
            one = common.elsewhere(update, name, replicas, rounds)
            print(name, replicas, one, flush=True)
            found[name][str(replicas)] = one
    found["together"] = {
        str(steps): common.elsewhere(together, steps, rounds)
        for steps in (1, STEPS)
    }
    print(found["together"])
    common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
