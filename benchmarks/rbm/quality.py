"""Exact log-likelihoods of RBMs after equal numbers of updates, and of AIS.

Where log Z is called exact it is enumerated in float64, for the peers too.

    python benchmarks/rbm_quality.py [--only mnist digits ais]
"""

import argparse
import json
import resource
import sys
import tempfile
from pathlib import Path

import common
import numpy as np

SEEDS = (0, 1, 2)


def digits():
    import genzoo as gz

    (x, _), (x_test, _) = gz.datasets.digits.load_data()
    return [(a.reshape(-1, 64) > 7).astype("uint8") for a in (x, x_test)]


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
        options = [path, hidden, rate, batch, epochs, seed]
        common.run(__file__, ["--sklearn", *options], common.peer_python())
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
        int(hidden),
        learning_rate=float(rate),
        batch_size=int(batch),
        n_iter=int(epochs),
        random_state=int(seed),
    ).fit(x)
    np.savez(
        path,
        w=rbm.components_.T,
        a=rbm.intercept_visible_,
        b=rbm.intercept_hidden_,
    )
    print(json.dumps(None))


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
        *common.mnist(),
        hidden=20,
        rate=0.05,
        batch=128,
        epochs=5,
    )


def small():
    # 334 epochs of 15 batches are 5,010 updates.
    return compare(
        "64x16, digits, batch 100, 5,010 updates, SGD 0.1: test nats, exact",
        {"genzoo": genzoo, "scikit-learn": sklearn},
        *digits(),
        hidden=16,
        rate=0.1,
        batch=100,
        epochs=334,
    )


def ais():
    """Errors of 10 runs on each of three exact models, and the time."""
    x, _ = common.mnist()
    models = {
        "64x16 digits": genzoo(digits()[0], 16, 0.1, 100, 100, 0),
        "784x20 MNIST, rate 0.05": genzoo(x, 20, 0.05, 128, 5, 0),
        "784x20 MNIST, rate 0.1": genzoo(x, 20, 0.1, 128, 5, 0),
    }
    print("AIS, 100 chains x 1,000 temperatures: (estimate - exact) / stderr")
    result = {}
    for name, rbm in models.items():
        truth = rbm.log_partition("enumeration").value
        runs = [
            rbm.log_partition("ais", seed=seed, reverse=False)
            for seed in range(10)
        ]
        errors = [run.value - truth for run in runs]
        ratios = [e / r.stderr for e, r in zip(errors, runs, strict=True)]
        result[name] = {
            "exact": truth,
            "errors": errors,
            "stderrs": [run.stderr for run in runs],
            "within_3": int(np.sum(np.abs(ratios) <= 3)),
        }
        each = " ".join(f"{ratio:+.1f}" for ratio in ratios)
        print(f"  {name:24} {each}   ({result[name]['within_3']} within 3)")
    big = genzoo(x, 500, 0.05, 128, 3, 0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.keras"
        big.save(path)
        seconds = common.run(__file__, ["--time-ais", path])
    print(f"  784x500: {min(seconds):.2f} CPU-seconds, one thread")
    return {**result, "784x500 CPU-seconds": seconds}


def time_ais(path):
    import keras

    import genzoo  # noqa: F401

    rbm = keras.models.load_model(path)
    seconds = []
    for seed in range(3):
        start = resource.getrusage(resource.RUSAGE_SELF)
        rbm.log_partition("ais", reverse=False, seed=seed)
        end = resource.getrusage(resource.RUSAGE_SELF)
        used = end.ru_utime - start.ru_utime + end.ru_stime - start.ru_stime
        seconds.append(used)
    print(json.dumps(seconds))


PARTS = {"mnist": mnist, "digits": small, "ais": ais}


def main():
    if sys.argv[1:2] == ["--sklearn"]:
        train_sklearn(*sys.argv[2:])
        return
    if sys.argv[1:2] == ["--time-ais"]:
        time_ais(sys.argv[2])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    chosen = parser.parse_args().only
    result = {name: PARTS[name]() for name in chosen}
    common.write("rbm_quality", result)


if __name__ == "__main__":
    main()
