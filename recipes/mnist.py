"""The RBMs of binary MNIST digits."""

import keras
import numpy as np
import tensorflow as tf

import genzoo as gz
from genzoo.zoo.measures import mnist
from recipes import cards, sources

MNIST = "MNIST (LeCun, Cortes and Burges)"
LICENCE = "CC BY-SA 3.0, as it is usually stated for MNIST"
BATCH, RATE, CHAINS = 100, 0.05, 200
# Epochs with pixels above a threshold, and with pixels drawn anew.
EPOCHS, DRAWN_EPOCHS = 120, 360


def machine(epochs, steps):
    """A 784 x 500 RBM that learns by persistent chains."""
    rbm = gz.RBM(gz.units.Bernoulli(784), gz.units.Bernoulli(500), seed=0)
    rate = keras.optimizers.schedules.CosineDecay(RATE, epochs * steps)
    rbm.compile(
        keras.optimizers.SGD(rate),
        gz.losses.PersistentContrastiveDivergence(steps=1, chains=CHAINS),
        steps_per_execution=20,
        watch=False,
    )
    return rbm


def train():
    """By pixels above a threshold."""
    x, _ = sources.mnist()
    rbm = machine(EPOCHS, -(-len(x) // BATCH))
    rbm.fit(x, batch_size=BATCH, epochs=EPOCHS, verbose=2)
    return rbm


def train_drawn():
    """By pixels that are drawn anew each epoch, with their greys."""
    (x, _), _ = sources.load_mnist()
    x = x.reshape(-1, 784)
    steps = len(x) // BATCH

    def epoch(number):
        rows = tf.data.Dataset.from_tensor_slices(x)
        rows = rows.shuffle(len(x), seed=0).batch(BATCH).enumerate()

        def draw(i, grey):
            seed = tf.stack([number, i])
            uniform = tf.random.stateless_uniform(tf.shape(grey), seed)
            return tf.cast(uniform * 255 < tf.cast(grey, tf.float32), tf.uint8)

        return rows.map(draw)

    data = tf.data.Dataset.range(DRAWN_EPOCHS).flat_map(epoch).prefetch(2)
    rbm = machine(DRAWN_EPOCHS, steps)
    rbm.adapt(data, steps=steps)
    rbm.fit(data, epochs=DRAWN_EPOCHS, steps_per_epoch=steps, verbose=2)
    return rbm


def rbm_mnist_500(trained=None):
    """784 x 500 Bernoulli units, as in the literature."""
    card(
        "rbm_mnist_500",
        trained or train(),
        mnist.binary_test_digits(),
        EPOCHS,
        "pixels above 127 of 255 are 1",
        "other ways to make pixels binary",
    )


def rbm_mnist_500_stochastic(trained=None):
    """The same by pixels that are drawn with their greys."""
    card(
        "rbm_mnist_500_stochastic",
        trained or train_drawn(),
        mnist.drawn_test_digits(),
        DRAWN_EPOCHS,
        "a pixel is 1 with its grey as probability, drawn anew each epoch, of "
        "the test images once, by numpy's default_rng(0)",
        "pixels drawn with their greys as here",
    )


def card(name, rbm, x_test, epochs, binary, beside):
    """Measure a machine, and save it with its card."""
    spread = float(np.std(rbm.energy(x_test)) / np.sqrt(len(x_test)))
    values = cards.measure(name, rbm)
    found, record = rbm.stored_log_partition, rbm.known_log_partition.numpy()
    coarse = rbm.log_partition(
        "ais", chains=100, temperatures=1000, reverse=False
    )
    # The finer one is kept, for `log_prob`.
    rbm.known_log_partition.assign(record)
    errors = {
        key: float(np.sqrt(value * (1 - value) / mnist.SAMPLES))
        for key, value in values.items()
        if key in ("confident", "rarest_class")
    }
    for key in ("log_likelihood_ais", "log_likelihood_conservative"):
        errors[key] = float(np.hypot(spread, found.stderr))
    errors["log_partition"] = float(coarse.stderr)
    told = {
        "description": "784 x 500 Bernoulli RBM of binary MNIST digits",
        "data": f"{MNIST}, 60,000 training and 10,000 test images; {binary}",
        "data_licence": LICENCE,
        "training": f"{epochs} epochs of batches of {BATCH}, PCD-1 with "
        f"{CHAINS} chains, centred gradients, SGD from {RATE} by a cosine",
        "log_partition": {
            "value": found.value,
            "stderr": found.stderr,
            "reverse": found.upper,
            "method": "annealed importance sampling, 1,000 chains, 10,000 "
            "temperatures; backwards from the persistent chains, which may "
            "not be in equilibrium",
        },
        "published": "784 x 500, test nats by AIS: CD-25 -86.3 (Salakhutdinov "
        "and Murray 2008), centred PCD-1 -84.9, backwards -96.6 (PyDeep's "
        f"documentation); {beside}",
        "units": "log_likelihood: nats an image, mean of the test images; "
        "conservative: with the larger log Z of both directions; stderr has "
        "that of the mean and of log Z; log_partition: 100 chains, 1,000 "
        f"temperatures; the others: of {mnist.SAMPLES:,} samples, "
        f"{mnist.SWEEPS} sweeps from the stored chains, by digit_features",
    }
    # Rounding sends chains elsewhere on another machine.
    tolerances = {key: 4 * error for key, error in errors.items()}
    cards.save(name, rbm, told, values, tolerances, errors)
    x = rbm.sample(100, seed=0, steps=mnist.SWEEPS)
    cards.picture(name, x.reshape(-1, 28, 28), rows=10, scale=2)
    print(values, errors)


PRESETS = (rbm_mnist_500, rbm_mnist_500_stochastic)
