"""MNIST digits told apart by a greedy stack of two RBMs, fine-tuned.

python -m benchmarks.rbm.stack
"""

import time

from benchmarks import common
from recipes import sources

WIDTH, PRETRAINING, EPOCHS, BATCH = 800, 3, 36, 128


def accuracy(pretraining):
    """Test accuracy, and CPU-seconds, of the stack with one thread."""
    import keras

    import genzoo as gz

    (x, y), (x_test, y_test) = sources.load_mnist()
    x, x_test = (a.reshape(-1, 784) for a in (x, x_test))
    start = time.process_time()
    sizes = [(784, WIDTH), (WIDTH, WIDTH)]
    rbms = [
        gz.RBM(gz.units.Bernoulli(v), gz.units.Bernoulli(h), seed=seed)
        for seed, (v, h) in enumerate(sizes)
    ]
    for rbm in rbms:
        rbm.compile(watch=False, steps_per_execution=16)
    stack = gz.pretrain(
        rbms, x > 127, epochs=pretraining, batch_size=BATCH, verbose=0
    )
    keras.utils.set_random_seed(0)
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
    return [
        common.row(
            "greedy stack of two RBMs, 784-800-800, fine-tuned with dropout, "
            "MNIST: test accuracy (CPU-seconds)",
            f"{100 * found['accuracy']:.2f} % ({found['seconds']:.0f})",
        )
    ]


def main():
    common.options(__doc__)
    share, seconds = common.elsewhere(accuracy, PRETRAINING)
    print(f"test accuracy {100 * share:.2f} %, {seconds:.0f} CPU-seconds")
    common.save(__file__, {"accuracy": share, "seconds": seconds}, rows)


if __name__ == "__main__":
    main()
