"""The RBM of binary MNIST digits; run by train_presets.py."""

import common
import keras
import numpy as np
import preset_cards
from preset_cards import FOLDER

import genzoo as gz
from genzoo.zoo.measures import mnist

EPOCHS, BATCH, RATE, CHAINS = 120, 100, 0.05, 200


def train():
    """A 784 x 500 RBM by persistent chains."""
    x, _ = common.mnist()
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
    rbm = trained or train()
    x_test = mnist.binary_test_digits()
    spread = float(np.std(rbm.free_energy(x_test)) / np.sqrt(len(x_test)))
    values = {
        name: float(function(rbm))
        for name, function in mnist.MEASURES["rbm_mnist_500"].items()
    }
    found, record = rbm.stored_log_partition, rbm.known_log_partition.numpy()
    coarse = rbm.log_partition(
        "ais", chains=200, temperatures=1000, reverse=False
    )
    # The finer one is kept, for `log_prob`.
    rbm.known_log_partition.assign(record)
    share = {
        name: float(np.sqrt(values[name] * (1 - values[name]) / mnist.SAMPLES))
        for name in ("confident", "rarest_class")
    }
    errors = {
        "log_likelihood_ais": float(np.hypot(spread, found.stderr)),
        "log_likelihood_conservative": float(np.hypot(spread, found.stderr)),
        "log_partition": float(coarse.stderr),
        **share,
    }
    card = {
        "description": "784 x 500 Bernoulli RBM of binary MNIST digits",
        "data": "MNIST (LeCun, Cortes and Burges), 60,000 training and 10,000 "
        "test images; pixels above 127 of 255 are 1",
        "data_licence": "CC BY-SA 3.0, as it is usually stated for MNIST",
        "licence": "Apache-2.0",
        "command": "python benchmarks/train_presets.py rbm_mnist_500",
        "seed": 0,
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
        "measured": {
            # Rounding sends chains elsewhere on another machine.
            name: {
                "value": value,
                "tolerance": 4 * errors[name],
                "stderr": errors[name],
            }
            for name, value in values.items()
        },
    }
    rbm.save_to_preset(FOLDER / "rbm_mnist_500", card)
    x = rbm.sample(100, seed=0, steps=mnist.SWEEPS)
    preset_cards.picture(
        "rbm_mnist_500", x.reshape(-1, 28, 28), rows=10, scale=2
    )
    print(values, errors)


PRESETS = (rbm_mnist_500,)
