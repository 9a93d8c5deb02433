"""What several devices tell each other in an update, and where it stops them.

The bytes that one replica of two gives to be reduced, counted in a step's
graph: gradients, and of some rules the rows of the whole batch, which is why
two sizes of it are tried. Beside them CPU seconds of an update on one device.
From both follows, at 1 GB/s and twice the bytes on the way (a ring):

    rows     of a replica below which sending takes longer than computing
    workers  beyond which it does for any batch, of rules that send rows

No network was measured: this machine has none to other machines. The table
of `docs/guides/scaling.py` is written anew too.

    python -m benchmarks.reduced [--rounds 3]
"""

import os
from pathlib import Path

from benchmarks import common

GUIDE = Path(__file__).parents[1] / "docs" / "guides" / "scaling.py"
SMALL, LARGE = 128, 256
SPEED = 1e9


def counting(heard):
    """Cross-device operations that note shapes and bytes of an element."""
    import tensorflow as tf

    class Counting(tf.distribute.ReductionToOneDevice):
        def reduce_implementation(self, op, value, destinations, options):
            one = getattr(value, "values", [value])[0]
            heard.append(one.shape.num_elements() * one.dtype.size)
            return super().reduce_implementation(
                op, value, destinations, options
            )

    return Counting()


def rbm(gz, np, **options):
    loss = gz.losses.PersistentContrastiveDivergence(**options)
    model = gz.RBM(gz.units.Bernoulli(784), gz.units.Bernoulli(500), seed=0)
    model.compile(loss=loss, watch=False)
    return model, _bits(np, 784)


def rbm_without_jumps(gz, np):
    return rbm(gz, np, jumps=False)


def deep(gz, np):
    units = [gz.units.Bernoulli(n) for n in (784, 500, 500)]
    model = gz.DeepBoltzmannMachine(units, seed=0)
    model.compile(watch=False)
    return model, _bits(np, 784)


def boltzmann(gz, np):
    model = gz.BoltzmannMachine(gz.spaces.Spin(256), seed=0)
    model.compile(loss="pcd", watch=False)
    return model, 2 * _bits(np, 256) - 1


def energy(gz, np):
    model = gz.EnergyModel(gz.spaces.Real(2), seed=0)
    model.compile(watch=False)
    return model, np.random.default_rng(0).normal(size=(4 * LARGE, 2))


def gan_mlp(gz, np):
    gan = gz.GAN(*gz.networks.mlp(2, 2), seed=0)
    gan.compile()
    return gan, np.random.default_rng(0).normal(size=(4 * LARGE, 2))


def gan_dcgan(gz, np):
    gan = gz.GAN(*gz.networks.dcgan(64, (28, 28, 1), width=32), seed=0)
    gan.compile()
    return gan, 2 * _bits(np, 784).reshape(-1, 28, 28, 1) - 1


def _bits(np, width):
    rng = np.random.default_rng(0)
    return (rng.random((4 * LARGE, width)) < 0.3).astype("float32")


CASES = {
    "RBM 784x500": rbm,
    "RBM 784x500, jumps=False": rbm_without_jumps,
    "deep 784-500-500": deep,
    "pairs of 256 spins": boltzmann,
    "neural energy, 2 numbers": energy,
    "GAN mlp, 2 numbers": gan_mlp,
    "GAN dcgan 28x28": gan_dcgan,
}


def bytes_reduced(name, batch):
    """Of an update, by one of two replicas; and the bytes of weights."""
    import numpy as np
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    import genzoo as gz

    heard, marks = [], []
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], cross_device_ops=counting(heard)
    )
    with strategy.scope():
        model, x = CASES[name](gz, np)
    model.fit(
        x[:batch], batch_size=batch, verbose=0, callbacks=[_Notes(marks, heard)]
    )
    # The first step, of which the graph is made.
    began, ended = marks[:2]
    weights = sum(w.numpy().nbytes for w in model.trainable_weights)
    return {"weights": weights, "reduced": sum(heard[began:ended])}


def _Notes(marks, heard):
    import keras

    class Notes(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            marks.append(len(heard))

        def on_train_batch_end(self, batch, logs=None):
            marks.append(len(heard))

    return Notes()


def seconds_of_an_update(name):
    """CPU seconds on one device, the median of updates."""
    import time

    import keras
    import numpy as np

    import genzoo as gz

    model, x = CASES[name](gz, np)
    laps = []

    class Laps(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.began = time.process_time()

        def on_train_batch_end(self, batch, logs=None):
            laps.append(time.process_time() - self.began)

    model.fit(x, batch_size=LARGE, epochs=4, verbose=0, callbacks=[Laps()])
    return float(np.median(laps[4:]))


def limits(one):
    """(fixed bytes, bytes a row, rows of a replica, workers or None)."""
    small, large = one["small"]["reduced"], one["large"]["reduced"]
    each = (large - small) / (LARGE - SMALL)
    fixed = small - each * SMALL
    row = one["seconds"] / LARGE
    workers = row * SPEED / (2 * each) if each else None
    return fixed, each, 2 * fixed / SPEED / row, workers


def rows(found):
    """Of each family."""
    told = []
    for name in CASES:
        fixed, each, least, workers = limits(found[name])
        weights = found[name]["small"]["weights"]
        sent = f"{fixed / 1e3:,.0f} kB"
        if each:
            sent += f" and {each:,.0f} bytes a row"
        most = f"{workers:,.0f}" if workers else "any number of"
        told.append(
            common.row(
                f"{name}, several devices: reduced in an update; at 1 GB/s "
                "(reckoned): rows of a replica that take as long, workers at "
                "most",
                f"{sent}; {least:.0f} rows, {most} workers",
                f"its weights: {weights / 1e3:,.0f} kB",
            )
        )
    return told


def tell(found):
    """The table of `docs/guides/scaling.py`, by these figures."""
    lines = []
    for name in CASES:
        fixed, each, least, workers = limits(found[name])
        weights = found[name]["small"]["weights"]
        sent = f"{fixed / 1e3:,.0f} kB" + (f" + {each:,.0f} B" if each else "")
        most = f"{workers:,.0f}" if workers else "any"
        cells = name, f"{weights / 1e3:,.0f} kB", sent, f"{least:.0f}", most
        lines.append(f"# | {' | '.join(cells)} |\n")
    begin, end = "# |---|---|---|---|---|\n", "#\n# With fewer"
    head, rest = GUIDE.read_text().split(begin)
    GUIDE.write_text(
        head + begin + "".join(lines) + end + rest.split(end, 1)[1]
    )


def main():
    rounds = common.options(__doc__, rounds=3).rounds
    found = {
        "note": "CPU seconds, since the machine had other work to do; no "
        "network was measured",
        "load": os.getloadavg(),
    }
    for name in CASES:
        found[name] = {
            "small": common.elsewhere(bytes_reduced, name, SMALL),
            "large": common.elsewhere(bytes_reduced, name, LARGE),
            "seconds": min(
                common.elsewhere(seconds_of_an_update, name)
                for _ in range(rounds)
            ),
        }
        print(name, found[name], flush=True)
    common.save(__file__, found, rows)
    tell(found)


if __name__ == "__main__":
    main()
