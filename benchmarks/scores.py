"""Score matching and noise contrast on mixtures of normals in the plane.

`EnergyModel(Real(2))` by each loss, everything else by default; scores also
with the default network less its waves, `energy_mlp(space, waves=0)`, as the
densities are smooth. KL of data to model is the mean of log p - log q over
fresh examples, with log Z by quadrature; noise contrast learns log Z, too,
whose error is that against the quadrature at the same weights. The mixtures
overlap: scores know nothing of the shares of parts that do not.

    python -m benchmarks.scores                  # half an hour of a core
    python -m benchmarks.scores --losses sliced,denoising --waves default
"""

import itertools
import time

import numpy as np

from benchmarks import common

ROWS, TEST, EPOCHS, SEEDS = 20_000, 50_000, 20, (0, 1, 2)
# "default" leaves their length to the model.
WAVES = ("default", 0)
# Shares, means, and roots of covariances.
MIXTURES = {
    "three round": (
        [0.5, 0.3, 0.2],
        [[-1.0, 0.0], [1.0, 0.5], [0.0, -1.5]],
        [np.eye(2) * s for s in (0.8, 0.6, 1.0)],
    ),
    "crossed": (
        [0.6, 0.4],
        [[0.0, 0.0], [0.5, 0.2]],
        [[[1.5, 0.0], [1.2, 0.4]], [[1.2, 0.0], [-1.0, 0.5]]],
    ),
}


def draw(name, n, rng):
    """n examples of a mixture, (n, 2)."""
    shares, means, roots = (np.array(part) for part in MIXTURES[name])
    which = rng.choice(len(shares), n, p=shares)
    noise = rng.standard_normal((n, 2, 1))
    return means[which] + (roots[which] @ noise)[..., 0]


def log_density(name, x):
    """log p of examples, by the normals' own formula."""
    total = 0.0
    for share, mean, root in zip(*MIXTURES[name], strict=True):
        covariance = np.array(root) @ np.array(root).T
        gap = x - np.array(mean)
        square = np.sum(gap @ np.linalg.inv(covariance) * gap, axis=1)
        norm = 2 * np.pi * np.sqrt(np.linalg.det(covariance))
        total = total + share * np.exp(-0.5 * square) / norm
    return np.log(total)


def losses():
    """The losses by name."""
    from genzoo import losses as known

    return {
        "score matching": known.ScoreMatching,
        "sliced": known.SlicedScoreMatching,
        "denoising": known.DenoisingScoreMatching,
        "noise contrast": known.NoiseContrastiveEstimation,
    }


def measured(name, loss, waves, seed, epochs):
    """One run."""
    import genzoo as gz

    space, network = gz.spaces.Real(2), None
    if waves == 0:
        network = gz.networks.energy_mlp(space, waves=0, seed=seed)
    x = draw(name, ROWS, np.random.default_rng(seed))
    start = time.process_time()
    model = gz.EnergyModel(space, network, seed=seed)
    model.compile(loss=losses()[loss](), watch=False)
    model.fit(x, epochs=epochs, verbose=0)
    seconds = time.process_time() - start
    exact = model.log_partition("quadrature")
    test = draw(name, TEST, np.random.default_rng(1000))
    gap = log_density(name, test) - model.log_prob(test)
    found = {"cpu_s": seconds, "kl": float(gap.mean())}
    found["kl_stderr"] = float(gap.std() / len(gap) ** 0.5)
    if loss == "noise contrast":
        # Its offset has learned -log Z: what is left is the error.
        found["log_z_error"] = float(exact.value)
    return found


def rows(found):
    """The rows of the README's table."""
    told = []
    kinds = ((run["loss"], run["waves"]) for run in found["runs"])
    for loss, waves in dict.fromkeys(kinds):
        kind = {"loss": loss, "waves": waves}
        own = [run for run in found["runs"] if kind.items() <= run.items()]
        kl = [run["kl"] for run in own]
        what = (
            f"neural energy by {loss}, {waves} waves, {len(MIXTURES)} mixtures "
            f"of normals, {len(own)} runs: KL of data to model in nats, mean "
            "and worst"
        )
        value = f"{np.mean(kl):.4f}, {max(kl):.4f}"
        errors = [abs(r["log_z_error"]) for r in own if "log_z_error" in r]
        if errors:
            what += "; largest error of the learned log Z"
            value += f"; {max(errors):.4f}"
        told.append(common.row(what, value))
    return told


def main():
    """Each mixture, loss and seed."""
    options = common.options(
        __doc__, seeds=len(SEEDS), losses="", epochs=EPOCHS, waves=""
    )
    names = options.losses.split(",") if options.losses else list(losses())
    asked = [w for w in WAVES if options.waves in ("", str(w))]
    kept = [
        run
        for run in common.written(__file__).get("runs", [])
        if run["loss"] not in names or run["waves"] not in asked
    ]
    found = {"epochs": options.epochs, "runs": kept}
    kinds = itertools.product(names, asked, MIXTURES, SEEDS[: options.seeds])
    for loss, waves, mixture, seed in kinds:
        if loss == "noise contrast" and waves == 0:
            continue
        own = {"loss": loss, "waves": waves, "mixture": mixture, "seed": seed}
        own |= measured(mixture, loss, waves, seed, options.epochs)
        print(own, flush=True)
        found["runs"].append(own)
        common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
