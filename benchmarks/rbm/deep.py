"""A deep Boltzmann machine 784-500-1000 on stochastically binarised MNIST.

No layer is trained before the others. Pixels are drawn with their greys, anew
in each epoch, of the test images once. The bound is that of mean field, with
log Z by annealing in both directions.

    python -m benchmarks.rbm.deep --hours 2
    python -m benchmarks.rbm.deep --hours 0.02   # whether it runs
"""

import time

import keras
import numpy as np
import tensorflow as tf

import genzoo as gz
from benchmarks import common
from genzoo.zoo.measures import mnist
from recipes import sources

# Steps of a machine that is thrown away: the first trace, the others are timed.
TRACED, TIMED = 10, 60
# Salakhutdinov and Hinton 2009, with pretraining; and a re-implementation.
PUBLISHED, AGAIN = -84.62, -86.4


def batches(x, size, epochs):
    """Batches of pixels that are drawn anew in each epoch."""

    def epoch(number):
        rows = tf.data.Dataset.from_tensor_slices(x)
        rows = rows.shuffle(len(x), seed=0).batch(size, drop_remainder=True)

        def draw(i, grey):
            seed = tf.stack([number, i])
            uniform = tf.random.stateless_uniform(tf.shape(grey), seed)
            return tf.cast(uniform * 255 < tf.cast(grey, tf.float32), tf.uint8)

        return rows.enumerate().map(draw)

    return tf.data.Dataset.range(epochs).flat_map(epoch).prefetch(2)


def machine(rate, chains, sweeps):
    """A compiled 784-500-1000 machine."""
    layers = [gz.units.Bernoulli(size) for size in (784, 500, 1000)]
    model = gz.DeepBoltzmannMachine(layers, seed=0)
    model.compile(
        gz.optimizers.Falling(rate),
        gz.losses.PersistentContrastiveDivergence(sweeps, chains=chains),
        watch=False,
    )
    return model


def bound(model, x_test, chains, temperatures):
    """The bound of test images in nats, with the error of log Z."""
    found = model.log_partition("ais", chains=chains, temperatures=temperatures)
    each = model.bound(x_test)
    return {
        "bound": float(each.mean()),
        "spread_stderr": float(each.std() / np.sqrt(len(each))),
        "log_z": found.value,
        "log_z_stderr": found.stderr,
        "log_z_reverse": found.upper,
        "temperatures": temperatures,
    }


class Clock(keras.callbacks.Callback):
    """Notes when each step ends."""

    def __init__(self):
        super().__init__()
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        """One step more."""
        self.ends.append(time.perf_counter())


class Until(keras.callbacks.Callback):
    """Measures and saves now and then, and stops when the time is up."""

    def __init__(self, end, look, every):
        super().__init__()
        self.end, self.look, self.every = end, look, every

    def on_epoch_end(self, epoch, logs=None):
        """Look, every so many epochs."""
        if (epoch + 1) % self.every == 0:
            self.look(epoch + 1)
        if time.perf_counter() > self.end:
            self.model.stop_training = True


def rows(found):
    """The row of the README's table."""
    last = found["measured"][-1]
    what = (
        "deep Boltzmann machine 784-500-1000, stochastically binarised MNIST, "
        f"no pretraining, {last['epoch']} epochs, {found['hours']:.1f} h: "
        "bound of test images in nats (log Z by annealing)"
    )
    value = f"{last['bound']:.2f} +- {last['log_z_stderr']:.2f}"
    beside = f"published {PUBLISHED} (pretrained), again {AGAIN}"
    return [common.row(what, value, beside)]


def main():
    """Time some steps, plan the epochs, train, and measure."""
    options = common.options(
        __doc__,
        hours=2.0,
        rate=0.003,
        batch=100,
        chains=100,
        sweeps=5,
        looks=5,
        save="",
    )
    begin = time.perf_counter()
    end = begin + 3600 * options.hours
    (x, _), _ = sources.load_mnist()
    x, x_test = x.reshape(-1, 784), mnist.drawn_test_digits()
    steps = len(x) // options.batch
    how = options.chains, options.sweeps
    clock = Clock()
    machine(options.rate, *how).fit(
        batches(x, options.batch, 1),
        steps_per_epoch=TRACED + TIMED,
        verbose=0,
        callbacks=[clock],
    )
    each = (clock.ends[-1] - clock.ends[TRACED - 1]) / TIMED
    # A tenth is left for what is measured.
    epochs = max(int(0.9 * (end - time.perf_counter()) / (each * steps)), 1)
    print(f"{each:.3f} s a step, {epochs} epochs", flush=True)
    model = machine(options.rate, *how)
    data = batches(x, options.batch, epochs)
    model.adapt(data, steps=steps)
    found = {**vars(options), "measured": []}

    def look(epoch, chains=100, temperatures=1000):
        hours = (time.perf_counter() - begin) / 3600
        own = bound(model, x_test, chains, temperatures)
        found["measured"].append({"epoch": epoch, "hours": hours, **own})
        print(found["measured"][-1], flush=True)
        common.save(__file__, {**found, "hours": hours}, rows)
        if options.save:
            model.save(options.save)

    every = max(epochs // options.looks, 1)
    history = model.fit(
        data,
        epochs=epochs,
        steps_per_epoch=steps,
        verbose=2,
        callbacks=[Until(end, look, every)],
    )
    look(len(history.epoch), temperatures=10_000)


if __name__ == "__main__":
    main()
