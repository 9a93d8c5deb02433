"""Exact log-likelihoods of RBMs after equal numbers of updates.

log Z is enumerated in float64, for the peers too.

    python -m benchmarks.rbm.quality
"""

import statistics
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import common
from recipes import sources

SEEDS = (0, 1, 2)


def genzoo(x, hidden, rate, batch, epochs, seed, policy=None):
    """A compiled and fitted RBM; what is not named is default."""
    import keras

    import genzoo as gz

    rbm = gz.RBM(
        gz.units.Bernoulli(x.shape[1]),
        gz.units.Bernoulli(hidden),
        seed=seed,
        dtype=policy,
    )
    rbm.compile(
        keras.optimizers.SGD(rate),
        gz.losses.PersistentContrastiveDivergence(steps=1),
        steps_per_execution=16,
    )
    rbm.fit(x, batch_size=batch, epochs=epochs, verbose=0)
    return rbm


def sklearn(x, hidden, rate, batch, epochs, seed):
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


def compare(title, makers, x, x_test, **options):
    print(title)
    result = {}
    for name, make in makers.items():
        values = [
            exact(make(x, seed=seed, **options), x_test) for seed in SEEDS
        ]
        result[name] = values
        each = ", ".join(f"{v:.2f}" for v in values)
        print(f"  {name:24} mean {np.mean(values):8.2f}   ({each})", flush=True)
    return result


def bfloat16(x, **options):
    return genzoo(x, policy="mixed_bfloat16", **options)


def mnist():
    return compare(
        "784x20, MNIST, batch 128, 5 epochs, SGD 0.05: test nats, exact",
        {
            "genzoo": genzoo,
            "genzoo bfloat16": bfloat16,
            "scikit-learn": sklearn,
        },
        *sources.mnist(),
        hidden=20,
        rate=0.05,
        batch=128,
        epochs=5,
    )


def digits():
    from genzoo.zoo.measures import boltzmann

    # 334 epochs of 15 batches are 5,010 updates.
    return compare(
        "64x16, digits, batch 100, 5,010 updates, SGD 0.1: test nats, exact",
        {"genzoo": genzoo, "scikit-learn": sklearn},
        *map(boltzmann.binary_digits, (0, 1)),
        hidden=16,
        rate=0.1,
        batch=100,
        epochs=334,
    )


def rows(found):
    def nats(part, name):
        each = ", ".join(f"{value:.1f}" for value in found[part][name])
        return f"**{statistics.mean(found[part][name]):.1f}** ({each})"

    return [
        common.row(
            "784x20, MNIST, PCD-1, 5 epochs: exact test nats, 3 seeds",
            nats("mnist", "genzoo"),
            f"scikit-learn {nats('mnist', 'scikit-learn')}",
        ),
        common.row(
            "64x16, 8x8 digits, PCD-1, 5,010 updates: the same",
            nats("digits", "genzoo"),
            f"scikit-learn {nats('digits', 'scikit-learn')}",
        ),
        common.row(
            "784x20 as above, `mixed_bfloat16`: the same",
            nats("mnist", "genzoo bfloat16"),
        ),
    ]


def main():
    common.options(__doc__)
    common.save(__file__, {"mnist": mnist(), "digits": digits()}, rows)


if __name__ == "__main__":
    main()
