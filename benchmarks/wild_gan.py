"""GANs at their defaults on data that nobody tuned for.

`GAN(*networks)`, `compile()`, `fit(x, epochs=...)`; in six looks at equal
distances and at the end: the energy distance of 1,500 samples to as many rows
that were not learned from, in columns of unit deviation; the largest
Kolmogorov-Smirnov distance of a column; the error of the covariance as a share
of it; the share of rows that have a sample among their five nearest rows; the
width of curves; the spread of D's logits and its units that do not vary. Beside
each stands the same of data against data. A run is called dead if D is flat
while samples differ, and worse if it ends further away than its best look by
more than three standard deviations of the distance of data to data.

Defaults were chosen on the sets of CHOSEN_ON, and are reported on all.

    python -m benchmarks.wild_gan --seeds 2 [--sets moons,spiral]
"""

import statistics
import time
import warnings

import numpy as np

from benchmarks import common

CHOSEN_ON = ("gaussian 10", "moons", "spiral", "clusters")
LOOKS, SHOWN, NEIGHBOURS = 6, 1500, 5
LATENTS = 8


def gaussian(width):
    """Correlated columns whose deviations go from 1 to 0.1."""

    def make(n, rng):
        fixed = np.random.default_rng(99 + width)
        first, second = (
            np.linalg.qr(fixed.standard_normal((width, width)))[0]
            for _ in range(2)
        )
        scales = np.geomspace(1, 0.1 if width > 2 else 0.3, width)
        return rng.standard_normal((n, width)) @ (first * scales).T @ second.T

    return make


def moons(n, rng):
    t, upper = rng.uniform(0, np.pi, n), rng.integers(0, 2, n)
    curve = np.where(
        upper[:, None],
        np.c_[1 - np.cos(t), 0.5 - np.sin(t)],
        np.c_[np.cos(t), np.sin(t)],
    )
    return curve + 0.05 * rng.standard_normal((n, 2))


def _spiral(t):
    return 2 * t[:, None] * np.c_[np.cos(t), np.sin(t)] / (3 * np.pi)


def spiral(n, rng):
    t = 3 * np.pi * np.sqrt(rng.uniform(0.05, 1, n))
    return _spiral(t) + 0.05 * rng.standard_normal((n, 2))


def clusters(n, rng):
    """Four of unequal shares and widths in three dimensions."""
    centres = np.array([[0, 0, 0], [3, 0, 1], [0, 4, -1], [-3, -2, 2]])
    which = rng.choice(4, n, p=[0.6, 0.25, 0.1, 0.05])
    widths = np.array([1, 0.3, 0.1, 0.5])[which][:, None]
    return centres[which] + widths * rng.standard_normal((n, 3))


def scales(n, rng):
    """Ages, incomes, shares and temperatures, and a constant."""
    age = rng.gamma(9, 5, n)
    income = np.exp(10 + 0.6 * rng.standard_normal(n) + 0.01 * age)
    warm = 300 + 5 * rng.standard_normal(n) + 0.1 * (age - 45)
    share = 0.01 * rng.beta(2, 8, n)
    return np.c_[age, income, share, warm, np.full(n, 7.3)]


def one_hot(n, rng):
    """A class of 5 % and what goes with it."""
    which = rng.choice(3, n, p=[0.7, 0.25, 0.05])
    other = (rng.random(n) < np.array([0.2, 0.5, 0.9])[which]).astype(int)
    number = np.array([0, 2, -3])[which] + rng.standard_normal(n)
    return np.c_[np.eye(3)[which], np.eye(2)[other], number]


def circle(n, rng):
    """A circle in 50 dimensions, in noise."""
    plane = np.random.default_rng(5).standard_normal((2, 50)) / np.sqrt(2)
    t = rng.uniform(0, 2 * np.pi, n)
    return np.c_[np.cos(t), np.sin(t)] @ plane + 0.1 * rng.standard_normal(
        (n, 50)
    )


def heavy(n, rng):
    """Student's t of three degrees, log-normal and Laplace columns."""
    common_part = rng.standard_normal(n)
    return np.c_[
        rng.standard_t(3, n) + common_part,
        np.exp(common_part + 0.5 * rng.standard_normal(n)),
        rng.laplace(size=n),
    ]


# Epochs of 10,000 rows.
SETS = {
    "gaussian 2": (gaussian(2), 69),
    "gaussian 10": (gaussian(10), 69),
    "gaussian 50": (gaussian(50), 69),
    "moons": (moons, 69),
    "spiral": (spiral, 69),
    "clusters": (clusters, 69),
    "scales": (scales, 69),
    "one-hot": (one_hot, 69),
    "circle in 50": (circle, 69),
    "heavy tails": (heavy, 69),
}
CURVES = {
    "moons": lambda t: np.r_[
        np.c_[np.cos(np.pi * t), np.sin(np.pi * t)],
        np.c_[1 - np.cos(np.pi * t), 0.5 - np.sin(np.pi * t)],
    ],
    "spiral": lambda t: _spiral(3 * np.pi * np.sqrt(0.05 + 0.95 * t)),
}


def distances(name, x, samples):
    """The measures of samples against data, a dict."""
    from scipy.spatial import cKDTree
    from scipy.spatial.distance import cdist
    from scipy.stats import ks_2samp

    x, samples = (np.reshape(v, (len(v), -1)) for v in (x, samples))
    found = {}
    if name in CURVES:
        tree = cKDTree(CURVES[name](np.linspace(0, 1, 4000)))
        away = tree.query(samples)[0]
        # Bridges are no width.
        found["width"] = float(np.sqrt(np.mean(away[away < 0.25] ** 2)))
    varies = x.std(axis=0) > 1e-9 * np.abs(x).max(axis=0)
    unit = x[:, varies].std(axis=0)
    x, samples = x[:, varies] / unit, samples[:, varies] / unit
    a, b = x[:SHOWN], samples[:SHOWN]
    own = sum(cdist(v, v).sum() / (len(v) * (len(v) - 1)) for v in (a, b))
    columns = zip(x.T, samples.T, strict=True)
    true, made = np.cov(x.T), np.cov(samples.T)
    radii = cKDTree(x).query(x, NEIGHBOURS + 1)[0][:, -1]
    return {
        **found,
        "energy": float(2 * cdist(a, b).mean() - own),
        "ks": float(max(ks_2samp(c, d).statistic for c, d in columns)),
        "covariance": float(np.linalg.norm(made - true) / np.linalg.norm(true)),
        "coverage": float(np.mean(cKDTree(samples).query(x)[0] <= radii)),
    }


def measure(name, seed):
    """One run: its looks, its floor and what was warned of."""
    import keras

    import genzoo as gz

    make, epochs = SETS[name]
    rng = np.random.default_rng(1000 + seed)
    x, test, other = (make(n, rng) for n in (10_000, 3000, 3000))
    keras.utils.set_random_seed(seed)
    pair = gz.networks.mlp(max(LATENTS, x.shape[1]), x.shape[1])
    gan = gz.GAN(*pair, seed=seed)
    gan.compile()
    looks, spent = [], 0.0

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            nonlocal spent
            if (epoch + 1) % max(1, epochs // LOOKS) and epoch + 1 != epochs:
                return
            begin = time.process_time()
            found = distances(name, test, gan.sample(3000, seed=7))
            kept = ("logit_spread", "dead_units", "accuracy")
            logs = {key: float(logs[key]) for key in kept}
            looks.append({"epoch": epoch + 1, **found, **logs})
            spent += time.process_time() - begin

    begin = time.process_time()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        gan.fit(x, epochs=epochs, verbose=0, callbacks=[Look()])
    seconds = time.process_time() - begin - spent
    floors = [
        distances(name, test[part::5], other[part::5])["energy"]
        for part in range(5)
    ]
    best = min(look["energy"] for look in looks)
    # Of a fifth of the rows.
    error = float(np.std(floors, ddof=1)) / 5**0.5
    return {
        "looks": looks,
        "floor": distances(name, test, other),
        "error": error,
        "worse": looks[-1]["energy"] > best + 3 * error,
        "dead": any("nearly one logit" in str(w.message) for w in told),
        "CPU s": seconds,
    }


def rows(found):
    """The rows of the README's table."""
    runs = [run for each in found["sets"].values() for run in each]
    dead = sum(run["dead"] for run in runs)
    worse = sum(run["worse"] for run in runs)

    def ends(name, key):
        return [run["looks"][-1][key] for run in found["sets"][name]]

    wide = [w for name in CURVES for w in ends(name, "width")]
    cover = [c for name in CURVES for c in ends(name, "coverage")]
    seconds = statistics.mean(run["CPU s"] for run in runs)
    seeds = len(found["sets"]["moons"])
    return [
        common.row(
            "`networks.mlp` and `compile()` on ten tables of 10,000 rows, 69 "
            f"epochs, {seeds} seeds: dead critics; runs that end worse than "
            "they were",
            f"{dead} of {len(runs)}; {worse}; {seconds:.0f} CPU-s each",
        ),
        common.row(
            "ten correlated Gaussian columns: error of the covariance; "
            "largest Kolmogorov-Smirnov distance",
            f"at most {max(ends('gaussian 10', 'covariance')):.3f}; "
            f"{max(ends('gaussian 10', 'ks')):.3f}",
            "data against data "
            f"{found['sets']['gaussian 10'][0]['floor']['covariance']:.3f}; "
            f"{found['sets']['gaussian 10'][0]['floor']['ks']:.3f}",
        ),
        common.row(
            "moons and spiral of width 0.05: width; coverage",
            f"{min(wide):.3f} to {max(wide):.3f}; at least {min(cover):.2f}",
            "data 0.050; 0.97",
        ),
    ]


def main():
    options = common.options(__doc__, seeds=2, sets="")
    names = options.sets.split(",") if options.sets else list(SETS)
    found = common.written(__file__)
    found["chosen on"] = list(CHOSEN_ON)
    found.setdefault("sets", {})
    for name in names:
        found["sets"][name] = []
        for seed in range(options.seeds):
            run = common.elsewhere(measure, name, seed)
            found["sets"][name].append(run)
            print(name, seed, run["looks"][-1], run["floor"], flush=True)
        if all(known in found["sets"] for known in SETS):
            common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
