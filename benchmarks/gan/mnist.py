"""MNIST by a DCGAN: Frechet distance, classes, confidence, obedience.

    python benchmarks/gan_mnist.py                 # unconditional
    python benchmarks/gan_mnist.py --conditional   # conditional
    python benchmarks/gan_mnist.py --stacked       # 1,000 modes in colour

Trains as `examples/gan_mnist.py` does, by its recipe, and judges 10,000
samples by a small classifier, trained here too (`digit_classifier.py`).
Beside the Frechet distance to the 10,000 real test digits stands that of
10,000 real training digits. MNIST is read from the file named by MNIST_NPZ,
or else by Keras's loader.

Stacked MNIST: three digits drawn at random in the three colour channels, as
in VEEGAN and PacGAN: 26,000 samples, each channel classified; modes found and
KL of their histogram to uniform.
"""

import argparse
import json
import sys
import time

import common
import digit_classifier
import numpy as np

sys.path.insert(0, str(common.HERE.parent / "examples"))
STACKED_SAMPLES = 26_000
STACKED_CLUSTERS = 300


def judge_digits(gan, data, conditional):
    """Measures of 10,000 samples, and of real digits beside them."""
    classifier, features, accuracy = digit_classifier.load(data)
    (x, _), (x_test, _) = data
    test = features.predict(x_test, batch_size=500, verbose=0)
    count = len(x_test)
    asked = np.arange(count) % 10 if conditional else None
    samples = gan.sample(count, seed=0)
    return {
        "classifier_accuracy": accuracy,
        "samples": digit_classifier.judge(
            samples, classifier, features, test, asked
        ),
        "train digits": digit_classifier.judge(
            x[:count], classifier, features, test
        ),
    }


def stack(x, count, seed):
    """Digits drawn with replacement into three channels."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(x), (count, 3))
    return np.stack([x[chosen[:, i], :, :, 0] for i in range(3)], axis=-1)


def judge_stacked(gan, data):
    """Modes of 1,000 and their KL to uniform."""
    classifier, _, accuracy = digit_classifier.load(data)

    def modes(images):
        mode = 0
        for channel in range(3):
            logits = classifier.predict(
                images[..., channel : channel + 1], batch_size=500, verbose=0
            )
            mode = 10 * mode + logits.argmax(1)
        return np.bincount(mode, minlength=1000)

    (x, _), _ = data
    result = {"classifier_accuracy": accuracy}
    for name, images in (
        ("samples", gan.sample(STACKED_SAMPLES, seed=0)),
        ("real", stack(x, STACKED_SAMPLES, 1)),
    ):
        counts = modes(images)
        share = counts[counts > 0] / counts.sum()
        kl = float(np.sum(share * np.log(1000 * share)))
        result[name] = {"modes": int((counts > 0).sum()), "kl": kl}
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--conditional", action="store_true")
    parser.add_argument("--stacked", action="store_true")
    parser.add_argument("--epochs", type=int)
    parser.add_argument(
        "--load", help="a .keras file or a preset, instead of training"
    )
    parser.add_argument(
        "--save", help="a .keras file or a folder, for a preset"
    )
    options = parser.parse_args()
    import gan_mnist
    import keras

    import genzoo as gz

    data = common.mnist_images()
    begin = time.process_time()
    if options.load:
        is_file = options.load.endswith(".keras")
        load = keras.models.load_model if is_file else gz.from_preset
        gan = load(options.load)
    elif options.stacked:
        # At the size that two cores allow.
        x = stack(data[0][0], 100_000, 0)
        gan = gan_mnist.train(
            x, epochs=options.epochs or 6, clusters=STACKED_CLUSTERS
        )
    else:
        gan = gan_mnist.train(
            data[0][0],
            data[0][1] if options.conditional else None,
            epochs=options.epochs,
        )
    spent = {}
    if not options.load:
        spent["updates"] = int(gan.optimizer.iterations.numpy())
        spent["CPU s"] = time.process_time() - begin
    if options.save:
        is_file = options.save.endswith(".keras")
        (gan.save if is_file else gan.save_to_preset)(options.save)
    if options.stacked:
        name, result = "stacked", judge_stacked(gan, data)
    else:
        name = "conditional" if options.conditional else "unconditional"
        result = judge_digits(gan, data, options.conditional)
    print(json.dumps(result, indent=1))
    result = {**result, **spent}
    common.write("gan_mnist", {**common.written("gan_mnist"), name: result})


if __name__ == "__main__":
    main()
