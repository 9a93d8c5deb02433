"""MNIST digits told apart by an RBM with labels among its visible units.

python -m benchmarks.rbm.labels

The recipe is that of examples/label_digits.py. The weight of the generative
part is chosen on the last 10,000 of the training images, which are then
trained on, too; the test images are looked at once a seed.
"""

import statistics
import time

from benchmarks import common
from recipes import sources

HIDDEN, EPOCHS, SHIFT, HELD = 500, 16, 1, 10_000
WEIGHTS = 0.001, 0.01, 0.1
SEEDS = tuple(range(1, 11))


def accuracy(weight, seed, choosing):
    """Accuracy on held-out or on test images, CPU-seconds; one thread."""
    import numpy as np

    from examples import label_digits

    pairs = sources.load_mnist()
    (x, y), test = ((x.reshape(len(x), -1) / 255, y) for x, y in pairs)
    if choosing:
        (x, y), test = (x[:-HELD], y[:-HELD]), (x[-HELD:], y[-HELD:])
    start = time.process_time()
    rbm = label_digits.train(
        (x, y), test, 28, HIDDEN, EPOCHS, weight, SHIFT, seed
    )
    seconds = time.process_time() - start
    proba = rbm.predict_proba(label_digits.bits(test[0]))
    return float(np.mean(proba.argmax(axis=1) == test[1])), seconds


def rows(found):
    shares = [100 * share for share in found["test"]]
    return [
        common.row(
            f"pixels and label in one RBM, {HIDDEN} hidden units, hybrid loss, "
            f"MNIST, {len(shares)} seeds: test accuracy (CPU-seconds)",
            f"{statistics.mean(shares):.2f} ± {statistics.stdev(shares):.2f} % "
            f"({found['seconds']:.0f})",
        )
    ]


def main():
    common.options(__doc__)
    held = {}
    for weight in WEIGHTS:
        held[weight], _ = common.elsewhere(accuracy, weight, 0, True)
        print(
            f"weight {weight}: held out {100 * held[weight]:.2f} %", flush=True
        )
    chosen = max(held, key=held.get)
    test, seconds = [], []
    for seed in SEEDS:
        share, taken = common.elsewhere(accuracy, chosen, seed, False)
        test.append(share)
        seconds.append(taken)
        print(f"seed {seed}: {100 * share:.2f} %, {taken:.0f} s", flush=True)
    common.save(
        __file__,
        {
            "held_out": held,
            "weight": chosen,
            "test": test,
            "seconds": statistics.mean(seconds),
        },
        rows,
    )


if __name__ == "__main__":
    main()
