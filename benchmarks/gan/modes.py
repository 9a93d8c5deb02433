"""Modes of mixtures: the ring of 8 Gaussians and the grid of 25.

genzoo's `mlp` pair and defaults; three seeds each; modes with at least 20 of
10,000 samples within three standard deviations, KL of the histogram of
nearest centres to uniform, share of samples within three standard deviations.

    python -m benchmarks.gan.modes [--seeds 3]

Published, for the same measures, of 10,000 samples or fewer (VEEGAN, NeurIPS
2017, table 1): ring, GAN 1 mode and 99.3 %, Unrolled 7.6 and 35.6 %, VEEGAN 8
and 52.9 %; grid, GAN 3.3 and 0.5 %, Unrolled 23.6 and 16 %, VEEGAN 24.6 and
40 %.
"""

import statistics
import time

from benchmarks import common


def measure(name, seed):
    """The measures of one run, a dict."""
    from recipes import cards, gan

    begin, began = time.process_time(), time.perf_counter()
    trained, _ = gan.train_mixture(name, seed)
    return {
        **cards.measure(f"gan_{name}", trained),
        "CPU s": time.process_time() - begin,
        "wall s": time.perf_counter() - began,
        "steps": int(trained.optimizer.iterations.numpy()),
    }


def rows(found):
    def reached(runs):
        least = min(run["high_quality"] for run in runs)
        return (
            f"{min(run['modes'] for run in runs):.0f} in each of {len(runs)} "
            f"seeds; at most {max(run['kl'] for run in runs):.4f}; at least "
            f"{100 * least:.0f} % in "
            f"{statistics.mean(run['CPU s'] for run in runs):.0f} CPU-s"
        )

    return [
        common.row(
            "ring of 8 Gaussians, `mlp` pair, defaults: "
            "modes; KL of their histogram; samples within 3 sd",
            reached(found["ring"]),
            "published: VEEGAN 8, 53 %",
        ),
        common.row(
            "grid of 25 Gaussians: the same",
            reached(found["grid"]),
            "published: VEEGAN 24.6, 40 %",
        ),
    ]


def main():
    options = common.options(__doc__, seeds=3)
    found = {}
    for name in ("ring", "grid"):
        found[name] = []
        for seed in range(options.seeds):
            found[name].append(common.elsewhere(measure, name, seed))
            print(name, seed, found[name][-1], flush=True)
    common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
