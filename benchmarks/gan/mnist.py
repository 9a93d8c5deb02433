"""MNIST by a DCGAN: Frechet distance, classes, confidence, obedience.

    python -m benchmarks.gan.mnist                 # unconditional
    python -m benchmarks.gan.mnist --conditional   # conditional

Trains as `examples/gan_mnist.py` does, by its recipe, or takes the preset or
.keras file named by `--load`. 10,000 samples are judged by the preset
`digit_features`, a small classifier. Beside the Frechet distance to the 10,000
real test digits stands that of 10,000 real training digits.
"""

import time

from benchmarks import common
from recipes import sources


def finished(options, train):
    """(a GAN, what it took to train it), loaded and saved as asked."""
    begin = time.process_time()
    if options.load:
        return sources.trained(options.load), {}
    gan = train()
    spent = {
        "updates": int(gan.optimizer.iterations.numpy()),
        "CPU s": time.process_time() - begin,
    }
    if options.save:
        is_file = options.save.endswith(".keras")
        (gan.save if is_file else gan.save_to_preset)(options.save)
    return gan, spent


def rows(found):
    def judged(name):
        ours, real = found[name]["samples"], found[name]["train digits"]
        asked = ours.get("as_asked")
        told = "" if asked is None else f"; {100 * asked:.1f} %"
        return (
            f"{ours['frechet']:.1f}; {ours['class_kl']:.4f}; "
            f"{100 * ours['confident']:.1f} %{told}",
            f"real digits {real['frechet']:.1f}; {real['class_kl']:.4f}; "
            f"{100 * real['confident']:.1f} %",
        )

    return [
        common.row(
            "MNIST without labels, `dcgan` pair, 64 clusters, 10,000 "
            "samples: Frechet distance of a classifier's features; KL of "
            "classes to uniform; at least 0.9 sure",
            *judged("unconditional"),
        ),
        common.row(
            "the same with labels, conditional; of the class asked for",
            *judged("conditional"),
        ),
    ]


def main():
    options = common.options(
        __doc__, conditional=False, epochs=0, load="", save=""
    )
    from recipes import cards
    from recipes.gan import RealDigits

    (x, y), _ = sources.mnist_images()
    gan, spent = finished(
        options,
        lambda: sources.example("gan_mnist").train(
            x, y if options.conditional else None, options.epochs
        ),
    )
    name = "conditional" if options.conditional else "unconditional"
    preset = "gan_mnist_conditional" if options.conditional else "gan_mnist"
    result = {
        "samples": cards.measure(preset, gan),
        "train digits": cards.measure("gan_mnist", RealDigits(x)),
    }
    result = {**common.written(__file__), name: {**result, **spent}}
    common.save(__file__, result, rows)


if __name__ == "__main__":
    main()
