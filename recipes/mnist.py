"""The RBM of binary MNIST digits."""

import keras
import numpy as np

import genzoo as gz
from genzoo.zoo.measures import mnist
from recipes import cards, sources

MNIST = "MNIST (LeCun, Cortes and Burges)"
LICENCE = "CC BY-SA 3.0, as it is usually stated for MNIST"
EPOCHS, BATCH, RATE, CHAINS = 120, 100, 0.05, 200


def train():
    """A 784 x 500 RBM by persistent chains."""
    x, _ = sources.mnist()
    rbm = gz.RBM(gz.units.Bernoulli(784), gz.units.Bernoulli(500), seed=0)
    rate = keras.optimizers.schedules.CosineDecay(
        RATE, EPOCHS * -(-len(x) // BATCH)
    )
    rbm.compile(
        keras.optimizers.SGD(rate),
        gz.losses.PersistentContrastiveDivergence(steps=1, chains=CHAINS),
        steps_per_execution=20,
    )
    rbm.fit(x, batch_size=BATCH, epochs=EPOCHS, verbose=2)
    return rbm


def rbm_mnist_500(trained=None):
    """784 x 500 Bernoulli units, as in the literature."""
    name, rbm = "rbm_mnist_500", trained or train()
    x_test = mnist.binary_test_digits()
    spread = float(np.std(rbm.energy(x_test)) / np.sqrt(len(x_test)))
    values = cards.measure(name, rbm)
    found, record = rbm.stored_log_partition, rbm.known_log_partition.numpy()
    coarse = rbm.log_partition(
        "ais", chains=200, temperatures=1000, reverse=False
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
    card = {
        "description": "784 x 500 Bernoulli RBM of binary MNIST digits",
        "data": f"{MNIST}, 60,000 training and 10,000 test images; pixels "
        "above 127 of 255 are 1",
        "data_licence": LICENCE,
        "training": f"{EPOCHS} epochs of batches of {BATCH}, PCD-1 with "
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
        "documentation); other ways to make pixels binary",
        "units": "log_likelihood: nats an image, mean of the test images; "
        "conservative: with the larger log Z of both directions; stderr has "
        "that of the mean and of log Z; log_partition: 200 chains, 1,000 "
        f"temperatures; the others: of {mnist.SAMPLES:,} samples, "
        f"{mnist.SWEEPS} sweeps from the stored chains, by digit_features",
    }
    # Rounding sends chains elsewhere on another machine.
    tolerances = {key: 4 * error for key, error in errors.items()}
    cards.save(name, rbm, card, values, tolerances, errors)
    x = rbm.sample(100, seed=0, steps=mnist.SWEEPS)
    cards.picture(name, x.reshape(-1, 28, 28), rows=10, scale=2)
    print(values, errors)


PRESETS = (rbm_mnist_500,)
