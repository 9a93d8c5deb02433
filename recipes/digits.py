"""Presets of handwritten digits."""

import keras
import numpy as np
from keras import layers

import genzoo as gz
from genzoo.zoo.measures import boltzmann
from genzoo.zoo.measures import digits as measures
from recipes import cards, sources
from recipes.mnist import LICENCE, MNIST

DIGITS_8X8 = {
    "data": "UCI optical recognition of handwritten digits, test set "
    "(Alpaydin and Kaynak 1998, doi:10.24432/C50P49); the first 1,500 to "
    "train, 297 to test; pixels above 7 of 16 are 1",
    "data_licence": "CC BY 4.0",
}


def train_classifier():
    """(weights of `DigitFeatures`, accuracy on MNIST's test images)."""
    (x, y), (x_test, y_test) = sources.mnist_images()
    keras.utils.set_random_seed(0)
    image = h = keras.Input((28, 28, 1))
    for width in (32, 64):
        h = layers.Conv2D(width, 3, padding="same", activation="relu")(h)
        h = layers.Conv2D(width, 3, strides=2, activation="relu")(h)
    h = layers.Dropout(0.3)(layers.Flatten()(h))
    h = layers.Dense(64, activation="relu")(h)
    logits = layers.Dense(10)(layers.Dropout(0.3)(h))
    classifier = keras.Model(image, logits)
    steps = 5 * -(-len(x) // 128)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    classifier.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    classifier.fit(x, y, batch_size=128, epochs=5, verbose=2)
    found = classifier.predict(x_test, batch_size=500, verbose=0).argmax(1)
    accuracy = float(np.mean(found == y_test))
    if accuracy < 0.99:
        raise SystemExit(f"The classifier has an accuracy of {accuracy:.4f}.")
    return classifier.get_weights(), accuracy


def digit_features():
    """The judge of MNIST digits, in half precision."""
    weights, accuracy = train_classifier()
    model = gz.zoo.DigitFeatures()
    model.set_weights(weights)
    # As it will be loaded.
    model.set_weights([w.astype("float16") for w in model.get_weights()])
    values = cards.measure("digit_features", model)
    counts = {
        "accuracy_mnist_test": 10_000,
        "accuracy_digits_8x8_enlarged": 1797,
    }
    errors = {
        key: float(np.sqrt(values[key] * (1 - values[key]) / count))
        for key, count in counts.items()
    }
    card = {
        "description": "64 features and ten logits of 28x28 digits",
        "data": f"{MNIST}, 60,000 training images in [-1, 1]; measured on its "
        "10,000 test images and, unseen, on the 1,797 8x8 digits of "
        "genzoo.datasets enlarged to 28x28",
        "data_licence": LICENCE,
        "training": "5 epochs of batches of 128, Adam from 2e-3 by a cosine, "
        "dropout 0.3 before the last two layers",
        "precision": f"float16 in the file; accuracy in float32 {accuracy:.4f}",
    }
    # A few images more or less, where arithmetic differs.
    tolerances = {
        "accuracy_mnist_test": 5e-4,
        "accuracy_digits_8x8_enlarged": 2e-3,
    }
    cards.save(
        "digit_features", model, card, values, tolerances, errors, "float16"
    )
    # Digits that it was not trained on, each column of what it takes for.
    images, _ = measures.enlarged_digits()
    found = model.classify(images).argmax(1)
    chosen = [np.flatnonzero(found == digit)[:8] for digit in range(10)]
    chosen = np.stack(chosen, axis=1).ravel()
    cards.picture("digit_features", images[chosen, :, :, 0], 8, scale=1, low=-1)


def rbm_digits_8x8():
    """A small RBM whose likelihood is exact."""
    name = "rbm_digits_8x8"
    x, x_test = (boltzmann.binary_digits(part) for part in (0, 1))
    rbm = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(20), seed=0)
    rate = keras.optimizers.schedules.CosineDecay(0.05, 60 * 150)
    rbm.compile(
        keras.optimizers.SGD(rate),
        gz.losses.PersistentContrastiveDivergence(steps=1),
        steps_per_execution=10,
    )
    rbm.fit(x, batch_size=10, epochs=60, verbose=2)
    log_z = rbm.log_partition(method="enumeration")
    stderr = {
        f"log_likelihood_{part}": float(
            rbm.log_prob(rows).std() / np.sqrt(len(rows))
        )
        for part, rows in (("train", x), ("test", x_test))
    }
    card = {
        "description": "64 x 20 Bernoulli RBM of binary 8x8 digits",
        **DIGITS_8X8,
        "training": "60 epochs of batches of 10, PCD-1 with 128 chains, "
        "SGD from 0.05 by a cosine",
        "log_partition": {
            "value": log_z.value,
            "method": log_z.method,
        },
        "independent_pixels_log_likelihood_test": independent(x, x_test),
        "units": "nats an image; exact, by enumeration of the hidden states; "
        "stderr is that of the mean over the images",
    }
    values = cards.measure(name, rbm)
    cards.save(name, rbm, card, values, dict.fromkeys(stderr, 1e-3), stderr)
    cards.picture(name, rbm.sample(100, seed=0).reshape(-1, 8, 8), rows=10)


def boltzmann_digits_8x8():
    """Fields and couplings of all pairs of 64 pixels, fitted to moments."""
    name = "boltzmann_digits_8x8"
    x, x_test = (boltzmann.binary_digits(part) for part in (0, 1))
    upper = np.triu_indices(64, 1)
    moments = boltzmann.second_moments(x)
    observed = np.concatenate([np.diag(moments), moments[upper]])
    # Half a count more, so that what never happened has an error, too.
    share = (len(x) * observed + 0.5) / (len(x) + 1)
    errors = np.sqrt(share * (1 - share) / len(x))
    model = gz.BoltzmannMachine(gz.spaces.Binary(64), seed=0)
    # Close at once; then what is left is settled by chains.
    model.compile(loss=gz.losses.Pseudolikelihood(l2=1e-3))
    model.fit(x, verbose=2)
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 2500, 0.01)
    model.compile(
        keras.optimizers.Adam(rate, use_ema=True, ema_momentum=0.99),
        gz.losses.PersistentContrastiveDivergence(steps=2, chains=2000),
    )
    model.fit(
        observations=observed,
        observation_stderr=errors,
        observation_count=len(x),
        epochs=10,
        steps_per_epoch=250,
        verbose=2,
    )
    model.keep_chains(0)
    log_z = model.log_partition("ais", chains=200, temperatures=2000)
    again = boltzmann.annealed_log_partition(model)
    thermodynamic = boltzmann.thermodynamic_log_partition(model)
    noise = boltzmann.residuals(model).std(axis=0, ddof=1) / np.sqrt(20)
    stderr = {
        f"log_likelihood_{part}": float(
            np.hypot(
                model.log_prob(rows).std() / np.sqrt(len(rows)), log_z.stderr
            )
        )
        for part, rows in (("train", x), ("test", x_test))
    }
    stderr["log_partition_annealed"] = again.stderr
    stderr["log_partition_thermodynamic"] = thermodynamic.stderr
    # The known log Z gives the same again; a residual is mostly noise.
    most = {"log_likelihood_train": 1e-3, "log_likelihood_test": 1e-3}
    for kind in ("largest", "rms"):
        residual = boltzmann.moment_residual(model, kind)
        stderr[f"moment_residual_{kind}"] = residual.stderr
        most[f"moment_residual_{kind}"] = 0.8 * residual.value
    tolerances = {
        key: min(5 * value, most.get(key, np.inf))
        for key, value in stderr.items()
    }
    card = {
        "description": "Boltzmann machine of binary 8x8 digits, all pairs",
        **DIGITS_8X8,
        "training": "pseudolikelihood with L2, then 2,500 steps of Adam from "
        "0.01 to 0.0001 with 2,000 persistent chains, averaged over the last "
        "100; each moment with its standard error as Gaussian tolerance, "
        "which keeps couplings finite",
        "log_partition": log_z._asdict(),
        "independent_pixels_log_likelihood_test": independent(x, x_test),
        "noise": {
            "of_the_data_rms": float(np.sqrt(np.mean(errors**2))),
            "of_the_samples_rms": float(np.sqrt(np.mean(noise**2))),
            "meaning": "moment_residual is of <x_i x_j>, i <= j, over "
            "200,000 samples, and has the samples' noise in it; the data's is "
            "that of moments of 1,500 digits",
        },
        "units": "nats; log Z of the likelihoods by annealing, its error in "
        "theirs; log_partition_annealed again with other chains; "
        "log_partition_thermodynamic by integrating the energy over the "
        "inverse temperature from 0, which shares no step with it",
    }
    values = cards.measure(name, model)
    cards.save(name, model, card, values, tolerances, stderr)
    cards.picture(name, model.sample(100, seed=0).reshape(-1, 8, 8), rows=10)


def independent(x, x_test):
    """Mean log-likelihood of a model without couplings."""
    rbm = gz.RBM(
        gz.units.Bernoulli(64),
        gz.units.Bernoulli(1),
        kernel_initializer="zeros",
    )
    rbm.adapt(x)
    return float(rbm.log_prob(x_test).mean())


PRESETS = (digit_features, rbm_digits_8x8, boltzmann_digits_8x8)
