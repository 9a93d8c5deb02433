"""Presences against background: an L1 penalty over many features.

Columns that hang together, a species that prefers a place among them, 10,000
background rows, and the features and errors that maxnet takes: linear,
quadratic, product, hinge and threshold. Beside genzoo SciPy's L-BFGS-B solves
the same convex problem in NumPy, with each coefficient cut into its two
halves. The duality gap is measured in NumPy: from above the objective at
genzoo's multipliers, from below the entropy of weights that keep all averages
within their errors, genzoo's mixed with a few of others that are well inside.

    python -m benchmarks.maxent.presences [--seeds 3]
"""

import time

from benchmarks import common

ROWS, SEEN = 10_000, 300
# Columns, knots of hinges, of thresholds, columns with a cube: the features
# are 27, 245 and 1,000.
SETS = {27: (3, 4, 0, 0), 245: (10, 10, 0, 0), 1000: (20, 10, 20, 10)}


def data(columns, seed):
    """(presences, background), of columns with three causes."""
    import numpy as np

    rng = np.random.default_rng(seed)
    mixed = rng.standard_normal((3, columns))

    def rows(count):
        hidden = rng.standard_normal((count, 3)) @ mixed
        found = hidden + rng.standard_normal((count, columns))
        # Rain and slopes have a long tail.
        found[:, ::3] = np.exp(found[:, ::3] / 2)
        return found

    background, many = rows(ROWS), rows(100 * SEEN)
    place = background.mean(axis=0) + 0.5 * background.std(axis=0)
    away = (many - place) / background.std(axis=0)
    log_weight = -0.5 * (away[:, :3] ** 2).sum(axis=1) + away[:, 1]
    weight = np.exp(log_weight - log_weight.max())
    chosen = rng.choice(len(many), SEEN, False, weight / weight.sum())
    return many[chosen], background


def problem(count, seed):
    """(features of the background, averages, errors)."""
    import numpy as np
    import tensorflow as tf

    from genzoo import features as f
    from genzoo import spaces

    columns, hinges, thresholds, cubes = SETS[count]
    seen, background = data(columns, seed)
    least, most = background.min(axis=0), background.max(axis=0)
    parts = [
        f.Moments(1, 2),
        f.Pairwise(),
        f.Hinge(np.linspace(least, most, hinges)),
    ]
    if thresholds:
        inside = np.linspace(least, most, thresholds + 2)[1:-1]
        parts += [f.Threshold(inside), lambda x: x[:, :cubes] ** 3]
    values = f.FeatureList(spaces.Real(columns), parts)
    table = np.asarray(values(tf.constant(background)))
    averages = np.asarray(values(tf.constant(seen))).mean(axis=0)
    return table, averages, f.presence_stderr(values, seen, background)


class Dual:
    """log Z - lambda . averages + errors . |lambda|, scaled, in NumPy."""

    def __init__(self, table, averages, stderr):
        self.scale = table.std(axis=0)
        self.scale[self.scale == 0] = 1
        self.change = (table - averages) / self.scale
        self.held = stderr / self.scale

    def log_weights(self, x):
        """(log p of the rows, log Z)."""
        import numpy as np

        log_weight = self.change @ x - np.log(len(self.change))
        log_z = np.logaddexp.reduce(log_weight)
        return log_weight - log_z, log_z

    def value(self, x):
        """The objective."""
        import numpy as np

        return self.log_weights(x)[1] + self.held @ np.abs(x)

    def solve(self, held, steps=20_000):
        """Multipliers by L-BFGS-B."""
        import numpy as np
        from scipy import optimize

        count = len(held)

        def objective(both):
            x = both[:count] - both[count:]
            log_weight, log_z = self.log_weights(x)
            slope = np.exp(log_weight) @ self.change
            return log_z + np.r_[held, held] @ both, np.r_[
                held + slope, held - slope
            ]

        found = optimize.minimize(
            objective,
            np.zeros(2 * count),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0, None)] * (2 * count),
            options={
                "maxiter": steps,
                "maxfun": 2 * steps,
                "maxcor": 50,
                "ftol": 0,
                "gtol": 1e-9,
            },
        )
        return found.x[:count] - found.x[count:]

    def gap(self, x, inside):
        """Objective at x above the entropy of weights that are allowed."""
        import numpy as np

        ours, others = (np.exp(self.log_weights(y)[0]) for y in (x, inside))

        def outside(part):
            mixed = (1 - part) * ours + part * others
            return (np.abs(mixed @ self.change) - self.held).max()

        if outside(1.0) > 0:
            raise RuntimeError("the other weights are not allowed either")
        low, high = 0.0, 1.0
        if outside(0.0) <= 0:
            high = 0.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (
                (low, middle) if outside(middle) <= 0 else (middle, high)
            )
        mixed = (1 - high) * ours + high * others
        seen = mixed[mixed > 0]
        entropy = seen @ np.log(seen * len(mixed))
        return float(self.value(x) + entropy)


def compared(count, seed):
    import numpy as np

    import genzoo as gz

    table, averages, stderr = problem(count, seed)
    # The first call of a process also imports and traces.
    gz.MaxEnt.reweight(table[:50, :3], table[:50, :3].mean(axis=0))
    start = time.process_time()
    found = gz.MaxEnt.reweight(
        table, averages, observation_stderr=stderr, tolerance="laplace"
    )
    ours = time.process_time() - start
    dual = Dual(table, averages, stderr)
    start = time.process_time()
    other = dual.solve(dual.held)
    peer = time.process_time() - start
    x = np.asarray(found.multipliers) * dual.scale
    rows = [dual.log_weights(y)[0] for y in (x, other)]
    inside = dual.solve(0.98 * dual.held)
    return {
        "features": table.shape[1],
        "seed": seed,
        "seconds": ours,
        "gap": dual.gap(x, inside),
        "used": int(np.count_nonzero(x)),
        "SciPy seconds": peer,
        "SciPy gap": dual.gap(other, inside),
        "above SciPy": float(dual.value(x) - dual.value(other)),
        "largest coefficient": float(np.abs(x).max()),
        "coefficients apart": float(np.abs(x - other).max()),
        "log-densities apart": float(np.abs(rows[0] - rows[1]).max()),
    }


def rows(found):
    lines = []
    for runs in found["sets"].values():
        most = {key: max(run[key] for run in runs) for key in runs[0]}
        lines.append(
            common.row(
                f"presences and background, {most['features']:,} features, "
                f"{ROWS:,} rows, {SEEN} presences, L1, {len(runs)} seeds, the "
                "worst: CPU-seconds; duality gap; coefficients (of "
                "standardised features) from SciPy's, the largest is "
                f"{most['largest coefficient']:.2f}",
                f"{most['seconds']:.2f}; {most['gap']:.0e}; "
                f"{most['coefficients apart']:.0e}",
                f"L-BFGS-B {most['SciPy seconds']:.1f}; "
                f"{most['SciPy gap']:.0e}",
            )
        )
    return lines


def main():
    asked = common.options(__doc__, seeds=3)
    found = {"sets": {}}
    for count in SETS:
        runs = []
        for seed in range(asked.seeds):
            runs.append(common.elsewhere(compared, count, seed))
            print(runs[-1], flush=True)
        found["sets"][str(count)] = runs
    common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
