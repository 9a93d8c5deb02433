"""The metrics against closed forms and peers: prdc and scipy (PyPI).

Precision, recall, density and coverage take turns with prdc in processes of
their own, one thread each, and the fastest round counts, in CPU seconds. The
rest is accuracy: Frechet distances beside scipy's matrix square root, the
rates of tests under the null, divergences of pairs whose value is known.

    python -m benchmarks.metrics [--rounds 3] [--seeds 200]
"""

import json
import math
import time

from benchmarks import common

N, D, K = 10_000, 64, 5
SIZES = (2, 16, 64, 128)
OVERLAP = "precision, recall, density, coverage"


def clouds():
    """Real and generated rows, float64."""
    import numpy as np

    rng = np.random.default_rng(0)
    real = rng.standard_normal((N, D))
    return real, 1.05 * rng.standard_normal((N, D)) + 0.02


def gaussians():
    """Pairs of (mean, covariance), well conditioned."""
    import numpy as np

    rng = np.random.default_rng(1)
    for size in SIZES:
        pair = []
        for _ in range(2):
            root = rng.standard_normal((size, 2 * size))
            pair += [rng.standard_normal(size), root @ root.T / (2 * size)]
        yield pair


def timed(function):
    begin = time.process_time()
    result = function()
    return result, time.process_time() - begin


def genzoo_overlap():
    from genzoo import metrics

    found, seconds = timed(lambda: metrics.manifold_overlap(*clouds(), K))
    return {**found._asdict(), "CPU s": seconds}


def prdc():
    import contextlib
    import io

    from prdc import compute_prdc

    # It prints the numbers of rows.
    with contextlib.redirect_stdout(io.StringIO()):
        found, seconds = timed(lambda: compute_prdc(*clouds(), nearest_k=K))
    return {**{name: float(v) for name, v in found.items()}, "CPU s": seconds}


def genzoo_frechet():
    from genzoo import metrics

    return [metrics.frechet_distance(*pair) for pair in gaussians()]


def scipy_frechet():
    import numpy as np
    from scipy import linalg

    return [
        float(
            np.square(mean - other_mean).sum()
            + np.trace(c + other - 2 * linalg.sqrtm(c @ other).real)
        )
        for mean, c, other_mean, other in gaussians()
    ]


def costs():
    """CPU seconds of each metric for 10,000 rows of 64 numbers."""
    from genzoo import metrics

    real, generated = (x.astype("float32") for x in clouds())
    result = {}
    for metric in (
        metrics.FrechetDistance(),
        metrics.MomentError(),
        metrics.KernelDistance(),
        metrics.PrecisionRecall(),
        metrics.DensityCoverage(),
        metrics.SlicedWasserstein(),
        metrics.ClassifierTwoSample(),
        metrics.BinnedDivergence(lambda x: x[:, 0]),
        metrics.ModeCoverage(real[:100], radius=8.0),
    ):

        def update(metric=metric):
            for first in range(0, N, 128):
                part = slice(first, first + 128)
                metric.update_state(real[part], generated[part])

        update()
        metric.reset_state()
        result[type(metric).__name__] = {
            "update CPU s": timed(update)[1],
            "result CPU s": timed(metric.result)[1],
        }
    return result


def nulls(seeds):
    """The kernel distance and the classifier test when nothing differs."""
    import numpy as np

    from genzoo import metrics

    rng = np.random.default_rng(2)
    kernel = metrics.KernelDistance(capacity=500)
    test = metrics.ClassifierTwoSample(capacity=500)
    values, accuracy, p_values, shifted = [], [], [], []
    for seed in range(seeds):
        real, generated = rng.standard_normal((2, 500, 8))
        kernel.reset_state()
        kernel.update_state(real, generated)
        values.append(kernel.result()["value"])
        test.seed = seed
        for shift, found in ((0.0, p_values), (0.3, shifted)):
            if shift and seed >= seeds // 4:
                continue
            test.reset_state()
            test.update_state(real, generated + shift)
            result = test.result()
            found.append(result["p_value"])
            if not shift:
                accuracy.append(result["accuracy"])
    return {
        "seeds": seeds,
        "kernel distance, mean": float(np.mean(values)),
        "its error": float(np.std(values, ddof=1) / math.sqrt(seeds)),
        "classifier, mean accuracy": float(np.mean(accuracy)),
        "classifier, rejected at 5 %": float(np.mean(np.less(p_values, 0.05))),
        "power, each of 8 means shifted by 0.3 sd": float(
            np.mean(np.less(shifted, 0.05))
        ),
    }


class Mixture:
    """Three round Gaussians of standard deviation 1 in the plane."""

    def __init__(self, weights):
        import numpy as np

        self.weights = np.array(weights)
        self.centres = np.array([[-2.0, 0.0], [2.0, 0.0], [0.0, 2.0]])

    def sample(self, n, seed):
        """n draws, (n, 2)."""
        import numpy as np

        rng = np.random.default_rng(seed)
        mode = rng.choice(3, size=n, p=self.weights)
        return self.centres[mode] + rng.standard_normal((n, 2))

    def log_prob(self, x):
        """log p(x), (n,), in nats."""
        import numpy as np

        square = np.square(x[:, None] - self.centres).sum(axis=2)
        return np.log(np.exp(-square / 2) @ self.weights / (2 * math.pi))


def reverse_kl():
    """By a discriminator, where the truth is known, for five seeds."""
    from genzoo import metrics

    model, data = Mixture([0.75, 0.2, 0.05]), Mixture([0.1, 0.3, 0.6])
    truth = metrics.model_kl_divergence(model, data, 2_000_000).value
    found = []
    for seed in range(5):
        estimate, seconds = timed(
            lambda seed=seed: metrics.reverse_kl(
                model, data.sample(10_000, 100 + seed), seed=seed
            )
        )
        found.append({**estimate._asdict(), "CPU s": seconds})
    return {
        "truth": truth,
        "estimates": found,
        "largest relative error": max(
            abs(row["value"] / truth - 1) for row in found
        ),
    }


def rbms():
    """Two restricted Boltzmann machines, and their enumerated tables."""
    import numpy as np

    import genzoo as gz

    models, tables = [], []
    states = (np.arange(256)[:, None] >> np.arange(8)) & 1
    for seed in (0, 1):
        rbm = gz.RBM(gz.units.Bernoulli(8), gz.units.Bernoulli(5), seed=seed)
        rng = np.random.default_rng(seed)
        rbm.adapt(rng.integers(0, 2, (40, 8)).astype("uint8"))
        rbm.kernel.assign(rng.standard_normal((8, 5)))
        models.append(rbm)
        tables.append(np.exp(np.asarray(rbm.log_prob(states), np.float64)))
    return models, [table / table.sum() for table in tables]


def divergences():
    """How many of 20 seeds are within three standard errors."""
    from genzoo import metrics

    (p, q), tables = rbms()
    result = {}
    for name, estimate, exact in (
        ("KL", metrics.model_kl_divergence, metrics.kl_divergence),
        (
            "Jensen-Shannon",
            metrics.model_jensen_shannon,
            metrics.jensen_shannon,
        ),
        (
            "total variation",
            metrics.model_total_variation,
            metrics.total_variation,
        ),
    ):
        for order, pair, truth in (
            ("", (p, q), exact(*tables)),
            (", reverse", (q, p), exact(*tables[::-1])),
        ):
            found = [estimate(*pair, 2000, seed) for seed in range(20)]
            result[f"two RBMs: {name}{order}"] = {
                "truth": truth,
                "mean stderr": sum(e.stderr for e in found) / 20,
                "within 3 stderr of 20": sum(
                    abs(e.value - truth) < 3 * e.stderr for e in found
                ),
            }
    return result


def rows(found):
    peer = found[OVERLAP]
    null, reverse = found["nothing differs"], found["reverse KL"]
    divergences = found["divergences"].values()
    least = min(row["within 3 stderr of 20"] for row in divergences)
    return [
        common.row(
            "precision, recall, density and coverage of 10,000 rows of 64: "
            "CPU-s; largest difference",
            f"{peer['genzoo']['CPU s']:.2f}; {peer['largest difference']:.0e}",
            f"prdc {peer['prdc']['CPU s']:.1f}",
        ),
        common.row(
            "KL both ways, Jensen-Shannon and total variation of two RBMs, "
            "sampled, against enumeration: runs within 3 standard errors",
            f"at least {least} of 20",
        ),
        common.row(
            "equal distributions, 200 seeds: mean of the kernel distance; how "
            "often the classifier test rejects at 5 %",
            f"{null['kernel distance, mean']:.4f} ± {null['its error']:.4f}; "
            f"{100 * null['classifier, rejected at 5 %']:.1f} %",
        ),
        common.row(
            "reverse KL by a discriminator's density ratio, mixture in the "
            "plane, 5 seeds: largest error",
            f"{100 * reverse['largest relative error']:.1f} %",
        ),
    ]


def main():
    options = common.options(__doc__, rounds=3, seeds=200)
    packages = ["numpy", "scipy", "prdc"]
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(common.elsewhere(genzoo_overlap))
        theirs.append(common.elsewhere(prdc, peers=packages))
    ours, theirs = (
        min(runs, key=lambda run: run["CPU s"]) for runs in (ours, theirs)
    )
    frechet = common.elsewhere(genzoo_frechet)
    sqrtm = common.elsewhere(scipy_frechet, peers=packages)
    result = {
        OVERLAP: {
            "rows": N,
            "width": D,
            "genzoo": ours,
            "prdc": theirs,
            "largest difference": max(
                abs(ours[name] - theirs[name]) for name in OVERLAP.split(", ")
            ),
            "prdc's time / genzoo's": theirs["CPU s"] / ours["CPU s"],
        },
        "Frechet distance": {
            "sizes": SIZES,
            "largest relative difference to sqrtm": max(
                abs(a / b - 1) for a, b in zip(frechet, sqrtm, strict=True)
            ),
        },
        "nothing differs": common.elsewhere(nulls, options.seeds),
        "reverse KL": common.elsewhere(reverse_kl),
        "divergences": common.elsewhere(divergences),
        "costs": common.elsewhere(costs),
    }
    print(json.dumps(result, indent=2))
    common.save(__file__, result, rows)


if __name__ == "__main__":
    main()
