"""Modes of mixtures: the ring of 8 Gaussians and the grid of 25.

genzoo's `mlp` pair and defaults, the default optimizer's rate falling to zero
along a cosine; five seeds each; modes with at least 20 of
10,000 samples within three standard deviations, KL of the histogram of
nearest centres to uniform, share of samples within three standard deviations.

    python benchmarks/gan_modes.py [--seeds 5] [--only ring|grid]

Published, for the same measures, of 10,000 samples or fewer (VEEGAN, NeurIPS
2017, table 1): ring, GAN 1 mode and 99.3 %, Unrolled 7.6 and 35.6 %, VEEGAN 8
and 52.9 %; grid, GAN 3.3 and 0.5 %, Unrolled 23.6 and 16 %, VEEGAN 24.6 and
40 %.
"""

import argparse
import json
import sys
import time

import common

SAMPLES = 10_000
EXAMPLES = 100_000
BATCH = 256
STEPS = {"ring": 20_000, "grid": 40_000}


def train(name, seed):
    """(a trained GAN, its data)."""
    import keras

    import genzoo as gz

    make = getattr(gz.datasets, f"gaussian_{name}")
    data = make(EXAMPLES, seed=seed)
    keras.utils.set_random_seed(seed)
    gan = gz.GAN(*gz.networks.mlp(latent=2, output=2), seed=seed)
    epochs = -(-STEPS[name] * BATCH // EXAMPLES)
    rate = keras.optimizers.schedules.CosineDecay(
        2e-3, epochs * -(-EXAMPLES // BATCH)
    )
    optimizer = keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99)
    gan.compile(optimizer, steps_per_execution=50)
    gan.fit(data.x, batch_size=BATCH, epochs=epochs, verbose=0)
    return gan, data


def measure(name, seed):
    """The measures of one run, a dict."""
    import genzoo as gz

    begin, began = time.process_time(), time.perf_counter()
    gan, data = train(name, seed)
    coverage = gz.metrics.ModeCoverage(
        data.centres, radius=3 * data.sd, reference="uniform"
    )
    coverage.update_state(data.x[:SAMPLES], gan.sample(SAMPLES, seed=0))
    return {
        **{key: float(value) for key, value in coverage.result().items()},
        "CPU s": time.process_time() - begin,
        "wall s": time.perf_counter() - began,
        "steps": int(gan.optimizer.iterations.numpy()),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=list(STEPS))
    parser.add_argument("--one", nargs=2)
    options = parser.parse_args()
    if options.one:
        name, seed = options.one
        print(json.dumps(measure(name, int(seed))))
        return
    for name in [options.only] if options.only else STEPS:
        rows = []
        for seed in range(options.seeds):
            rows.append(common.run(__file__, ["--one", name, seed]))
            print(name, seed, rows[-1], flush=True)
        common.write("gan_modes", {**common.written("gan_modes"), name: rows})


if __name__ == "__main__":
    sys.exit(main())
