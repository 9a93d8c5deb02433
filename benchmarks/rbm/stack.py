"""MNIST digits told apart by a greedy stack of two RBMs, fine-tuned.

python -m benchmarks.rbm.stack

With --held the accuracy on the last 10,000 of the training images is printed,
of stacks that were not trained on them, after several lengths of pretraining.
"""

import statistics
import time

from benchmarks import common
from recipes import sources

WIDTH, EPOCHS, BATCH, HELD = 800, 36, 128, 10_000
PRETRAINING = 3
SEEDS = tuple(range(1, 6))


def accuracy(pretraining, seed, is_held):
    """Accuracy on held-out or on test images, CPU-seconds; one thread."""
    import keras

    import genzoo as gz

    (x, y), (x_test, y_test) = sources.load_mnist()
    x, x_test = (a.reshape(-1, 784) for a in (x, x_test))
    if is_held:
        (x, y), (x_test, y_test) = (
            (x[:-HELD], y[:-HELD]),
            (x[-HELD:], y[-HELD:]),
        )
    start = time.process_time()
    sizes = [(784, WIDTH), (WIDTH, WIDTH)]
    rbms = [
        gz.RBM(gz.units.Bernoulli(v), gz.units.Bernoulli(h), seed=(seed, k))
        for k, (v, h) in enumerate(sizes)
    ]
    for rbm in rbms:
        rbm.compile(watch=False, steps_per_execution=16)
    stack = gz.pretrain(
        rbms, x > 127, epochs=pretraining, batch_size=BATCH, verbose=0
    )
    keras.utils.set_random_seed(seed)
    first, second = stack.layers()
    model = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dropout(0.2),
            first,
            keras.layers.Dropout(0.4),
            second,
            keras.layers.Dropout(0.4),
            keras.layers.Dense(10),
        ]
    )
    rate = keras.optimizers.schedules.CosineDecay(
        1.5e-3, len(x) // BATCH * EPOCHS
    )
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=16,
    )
    grey, grey_test = (a.astype("float32") / 255 for a in (x, x_test))
    y, y_test = (labels.astype("int32") for labels in (y, y_test))
    model.fit(grey, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    seconds = time.process_time() - start
    found = model.evaluate(grey_test, y_test, verbose=0, return_dict=True)
    return found["accuracy"], seconds


def rows(found):
    shares = [100 * share for share in found["test"]]
    return [
        common.row(
            "greedy stack of two RBMs, 784-800-800, fine-tuned with dropout, "
            f"MNIST, {len(shares)} seeds: test accuracy (CPU-seconds)",
            f"{statistics.mean(shares):.2f} ± {statistics.stdev(shares):.2f} % "
            f"({found['seconds']:.0f})",
        )
    ]


def main():
    if common.options(__doc__, held=False).held:
        for epochs in (1, PRETRAINING):
            share, _ = common.elsewhere(accuracy, epochs, 0, True)
            print(f"{epochs} epochs: held out {100 * share:.2f} %", flush=True)
        return
    test, seconds = [], []
    for seed in SEEDS:
        share, taken = common.elsewhere(accuracy, PRETRAINING, seed, False)
        test.append(share)
        seconds.append(taken)
        print(f"seed {seed}: {100 * share:.2f} %, {taken:.0f} s", flush=True)
    found = {"test": test, "seconds": statistics.mean(seconds)}
    common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
