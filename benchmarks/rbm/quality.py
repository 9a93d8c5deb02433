"""Exact log-likelihoods of RBMs, genzoo at its defaults.

log Z is enumerated in float64, for the peers too.

    python -m benchmarks.rbm.quality
"""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import common
from recipes import sources

SEEDS, FEW = range(10), range(3)


def genzoo(x, hidden, epochs, seed, rate=None, policy=None):
    """A compiled and fitted RBM; what is not named is default."""
    import keras

    import genzoo as gz

    rbm = gz.RBM(
        gz.units.Bernoulli(x.shape[1]),
        gz.units.Bernoulli(hidden),
        seed=seed,
        dtype=policy,
    )
    if rate is None:
        rbm.compile()
        rbm.fit(x, epochs=epochs, verbose=0)
    else:
        rbm.compile(keras.optimizers.SGD(rate), watch=False)
        rbm.fit(x, batch_size=128, epochs=epochs, verbose=0)
    return rbm


def sklearn(x, hidden, epochs, seed, rate=0.1, batch=10):
    """scikit-learn's RBM, its weights put into one of genzoo."""
    import genzoo as gz

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npz"
        np.savez(path, x=x)
        options = [str(path), hidden, rate, batch, epochs, seed]
        peers = ["scikit-learn"]
        common.elsewhere(train_sklearn, *options, peers=peers)
        with np.load(path) as file:
            weights = file["w"], file["a"], file["b"]
    units = gz.units.Bernoulli(x.shape[1]), gz.units.Bernoulli(hidden)
    rbm = gz.RBM(*units)
    rbm.adapt(x)
    for variable, value in zip(rbm.parameters, weights, strict=True):
        variable.assign(value)
    return rbm


def train_sklearn(path, hidden, rate, batch, epochs, seed):
    from sklearn.neural_network import BernoulliRBM

    with np.load(path) as file:
        x = file["x"].astype("float32")
    rbm = BernoulliRBM(
        hidden,
        learning_rate=rate,
        batch_size=batch,
        n_iter=epochs,
        random_state=seed,
    ).fit(x)
    np.savez(
        path,
        w=rbm.components_.T,
        a=rbm.intercept_visible_,
        b=rbm.intercept_hidden_,
    )


def exact(rbm, x):
    rbm.log_partition("enumeration")
    return float(rbm.log_prob(x).mean())


def compare(title, contenders, x, x_test, **options):
    """Nats of the test examples, and CPU-seconds, by seeds."""
    print(title)
    result = {}
    for name, (make, seeds, more) in contenders.items():
        nats, seconds = [], []
        for seed in seeds:
            start = time.process_time()
            rbm = make(x, seed=seed, **options, **more)
            seconds.append(time.process_time() - start)
            nats.append(exact(rbm, x_test))
        result[name] = {"nats": nats, "cpu_seconds": seconds}
        print(f"  {name:24} {said(result[name])}", seconds[-1], flush=True)
    return result


def said(found):
    nats = found["nats"]
    return f"{statistics.mean(nats):.1f} +- {statistics.stdev(nats):.1f}"


def mnist():
    sgd = {"rate": 0.05}
    return compare(
        "784x20, MNIST, 5 epochs",
        {
            "genzoo": (genzoo, SEEDS, {}),
            "genzoo bfloat16": (genzoo, FEW, {"policy": "mixed_bfloat16"}),
            "SGD(0.05), batches of 128": (genzoo, FEW, sgd),
            "scikit-learn": (sklearn, FEW, {"rate": 0.05, "batch": 128}),
        },
        *sources.mnist(),
        hidden=20,
        epochs=5,
    )


def digits():
    from genzoo.zoo.measures import boltzmann

    return compare(
        "64x16, digits, 10 epochs",
        {
            "genzoo": (genzoo, SEEDS, {}),
            "scikit-learn": (sklearn, SEEDS, {}),
        },
        *map(boltzmann.binary_digits, (0, 1)),
        hidden=16,
        epochs=10,
    )


def rows(found):
    mnist, digits = found["mnist"], found["digits"]
    plain = "SGD(0.05), batches of 128"
    ratio = statistics.mean(mnist["genzoo"]["cpu_seconds"])
    ratio /= statistics.mean(mnist[plain]["cpu_seconds"])
    return [
        common.row(
            "784x20, MNIST, 5 epochs of defaults: exact test nats, 10 seeds",
            f"**{said(mnist['genzoo'])}**",
            f"scikit-learn {said(mnist['scikit-learn'])}, 3 seeds",
        ),
        common.row(
            "the same by SGD(0.05) in batches of 128, 3 seeds; CPU time of "
            "the defaults beside it",
            f"{said(mnist[plain])}; {ratio:.2f} x",
        ),
        common.row(
            "the defaults in `mixed_bfloat16`, 3 seeds",
            said(mnist["genzoo bfloat16"]),
        ),
        common.row(
            "64x16, 8x8 digits, 10 epochs of defaults of both: the same",
            f"**{said(digits['genzoo'])}**",
            f"scikit-learn {said(digits['scikit-learn'])}",
        ),
    ]


def main():
    common.options(__doc__)
    common.save(__file__, {"mnist": mnist(), "digits": digits()}, rows)


if __name__ == "__main__":
    main()
