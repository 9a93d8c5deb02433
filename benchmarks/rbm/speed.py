"""CPU-seconds per epoch of PCD-1: a 784x500 RBM, MNIST, one thread.

Contenders take turns in processes of their own, round after round, and the
fastest epoch of each counts: a neighbour's load only ever adds time.

    python -m benchmarks.rbm.speed [--rounds 3]
"""

import time

from benchmarks import common
from recipes import sources

BATCH, HIDDEN, RATE, EPOCHS = 128, 500, 0.05, 3
PEER = "scikit-learn float32"


def genzoo(policy, watch=True):
    import keras

    import genzoo as gz

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.process_time()

        def on_epoch_end(self, epoch, logs=None):
            times.append(time.process_time() - self.start)

    times = []
    x, _ = sources.mnist()
    rbm = gz.RBM(
        gz.units.Bernoulli(784),
        gz.units.Bernoulli(HIDDEN),
        seed=0,
        dtype=policy,
    )
    rbm.compile(
        keras.optimizers.SGD(RATE),
        gz.losses.PersistentContrastiveDivergence(steps=1, chains=BATCH),
        steps_per_execution=16,
        watch=watch,
    )
    # One epoch more: the first includes tracing and is not counted.
    rbm.fit(
        x, batch_size=BATCH, epochs=EPOCHS + 1, verbose=0, callbacks=[Clock()]
    )
    return times[1:]


def sklearn(dtype):
    from sklearn.neural_network import BernoulliRBM

    x, _ = sources.mnist()
    x = x.astype(dtype)
    rbm = BernoulliRBM(
        HIDDEN, learning_rate=RATE, batch_size=BATCH, n_iter=1, random_state=0
    )
    times = []
    for _ in range(EPOCHS):
        start = time.process_time()
        rbm.fit(x)
        times.append(time.process_time() - start)
    return times


def numpy(dtype):
    import numpy as np

    x, _ = sources.mnist()
    x = x.astype(dtype)
    rng = np.random.default_rng(0)
    kernel = (0.01 * rng.standard_normal((784, HIDDEN))).astype(dtype)
    a, b = np.zeros(784, dtype), np.zeros(HIDDEN, dtype)
    h = np.zeros((BATCH, HIDDEN), dtype)

    def sigmoid(t):
        np.negative(t, out=t)
        np.exp(t, out=t)
        t += 1
        return np.reciprocal(t, out=t)

    times = []
    for _ in range(EPOCHS):
        start = time.process_time()
        order = rng.permutation(len(x))
        for i in range(0, len(x), BATCH):
            v0 = x[order[i : i + BATCH]]
            h0 = sigmoid(v0 @ kernel + b)
            p = sigmoid(h @ kernel.T + a)
            v1 = (rng.random(p.shape, dtype) < p).astype(dtype)
            h1 = sigmoid(v1 @ kernel + b)
            kernel += RATE * (v0.T @ h0 / len(v0) - v1.T @ h1 / BATCH)
            a += RATE * (v0.mean(0) - v1.mean(0))
            b += RATE * (h0.mean(0) - h1.mean(0))
            h = (rng.random(h1.shape, dtype) < h1).astype(dtype)
        times.append(time.process_time() - start)
    return times


CONTENDERS = {
    "genzoo float32": (genzoo, "float32", False),
    "genzoo float32, watched": (genzoo, "float32"),
    "genzoo bfloat16": (genzoo, "mixed_bfloat16", False),
    "genzoo bfloat16, watched": (genzoo, "mixed_bfloat16"),
    "scikit-learn float32": (sklearn, "float32"),
    "NumPy loop float32, not centred": (numpy, "float32"),
}


def rows(found):
    best = found["best"]

    def cost(name):
        return f"{best[name]:.2f} ({best[name] / best[PEER]:.2f} x)"

    return [
        common.row(
            "784x500, PCD-1, CPU-seconds an epoch, one thread, float32",
            cost("genzoo float32"),
            f"scikit-learn {cost(PEER)}; NumPy, not centred "
            f"{cost('NumPy loop float32, not centred')}",
        ),
        common.row("the same in `mixed_bfloat16`", cost("genzoo bfloat16")),
        common.row(
            "with the likelihood in the logs: float32; `mixed_bfloat16`",
            f"{cost('genzoo float32, watched')}; "
            f"{cost('genzoo bfloat16, watched')}",
        ),
    ]


def main():
    options = common.options(__doc__, rounds=3)
    times = {name: [] for name in CONTENDERS}
    for _ in range(options.rounds):
        for name, (fit, *how) in CONTENDERS.items():
            peers = ["scikit-learn"] if fit is sklearn else []
            times[name] += common.elsewhere(fit, *how, peers=peers)
    best = {name: min(all_times) for name, all_times in times.items()}
    print(f"{'CPU-seconds per epoch, one thread':36} {'best':>6} {'ratio':>6}")
    for name, value in best.items():
        print(f"{name:36} {value:6.2f} {value / best[PEER]:6.2f}")
    found = {"cpu_seconds_per_epoch": times, "best": best}
    common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
