"""Stacked MNIST by a DCGAN: modes of 1,000 and KL to uniform.

Three digits drawn at random in the three colour channels, as in VEEGAN and
PacGAN: 26,000 samples, each channel classified by the preset
`digit_features`; modes found and KL of their histogram to uniform.

    python -m benchmarks.gan.stacked [--epochs 6] [--load PATH] [--save PATH]
"""

import json

import numpy as np

from benchmarks import common
from benchmarks.gan import mnist
from recipes import sources

SAMPLES, CLUSTERS = 26_000, 300


def stack(x, count, seed):
    """Digits drawn with replacement into three channels."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(x), (count, 3))
    return np.stack([x[chosen[:, i], :, :, 0] for i in range(3)], axis=-1)


def judge(images):
    """Modes of 1,000 and their KL to uniform."""
    from genzoo.zoo.measures import gans

    mode = 0
    for channel in range(3):
        logits = gans.logits(images[..., channel : channel + 1])
        mode = 10 * mode + logits.argmax(1)
    counts = np.bincount(mode, minlength=1000)
    share = counts[counts > 0] / counts.sum()
    kl = float(np.sum(share * np.log(1000 * share)))
    return {"modes": int((counts > 0).sum()), "kl": kl}


def rows(found):
    ours, real = found["samples"], found["real"]
    return [
        common.row(
            "stacked MNIST, 300 clusters, 26,000 samples: modes of 1,000; "
            "KL; updates",
            f"{ours['modes']}; {ours['kl']:.3f}; {found['updates']:,}",
            f"real digits {real['modes']}; {real['kl']:.3f}; published: "
            "PacGAN 992, 0.28, R3GAN 1,000, 0.029",
        ),
    ]


def main():
    # At the size that two cores allow.
    options = common.options(__doc__, epochs=6, load="", save="")
    (x, _), _ = sources.mnist_images()
    gan, spent = mnist.finished(
        options,
        lambda: sources.example("gan_mnist").train(
            stack(x, 100_000, 0), epochs=options.epochs, clusters=CLUSTERS
        ),
    )
    result = {
        "samples": judge(gan.sample(SAMPLES, seed=0)),
        "real": judge(stack(x, SAMPLES, 1)),
        **spent,
    }
    print(json.dumps(result, indent=1))
    common.save(__file__, result, rows)


if __name__ == "__main__":
    main()
