"""Train the presets of saved_models, each with its card.

    python benchmarks/train_presets.py NAME [NAME ...]

Afterwards put the hashes that are printed into genzoo/zoo/builtin.py.
`digit_features` takes the weights of digit_classifier.py, which trains them
if there are none in benchmarks/.cache.
"""

import argparse
from pathlib import Path

import common
import digit_classifier
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

import genzoo as gz
from genzoo.partition import onsager
from genzoo.zoo import __main__ as command
from genzoo.zoo import measures

FOLDER = Path(__file__).parents[1] / "saved_models"
DIGITS_8X8 = {
    "data": "UCI optical recognition of handwritten digits, test set "
    "(Alpaydin and Kaynak 1998, doi:10.24432/C50P49); the first 1,500 to "
    "train, 297 to test; pixels above 7 of 16 are 1",
    "data_licence": "CC BY 4.0",
}


def measured(name, model, tolerances, errors=None):
    """The numbers of a card: each with its tolerance, and error if any."""
    found = {}
    for measure, function in measures.MEASURES[name].items():
        value = float(function(model))
        found[measure] = {"value": value, "tolerance": tolerances[measure]}
        if errors:
            found[measure]["stderr"] = errors(measure, value)
        print(f"{name}: {measure} {value:.5f}")
    return found


def digit_features():
    """The judge of MNIST digits, in half precision."""
    data = common.mnist_images()
    classifier, _, accuracy = digit_classifier.load(data)
    model = gz.zoo.DigitFeatures()
    model.set_weights(classifier.get_weights())
    # As it will be loaded.
    model.set_weights([w.astype("float16") for w in model.get_weights()])
    counts = {"accuracy_mnist_test": 10_000}

    def error(measure, share):
        count = counts.get(measure, 1797)
        return float(np.sqrt(share * (1 - share) / count))

    card = {
        "description": "64 features and ten logits of 28x28 digits",
        "data": "MNIST (LeCun, Cortes and Burges), 60,000 training images in "
        "[-1, 1]; measured on its 10,000 test images and, unseen, on the "
        "1,797 8x8 digits of genzoo.datasets enlarged to 28x28",
        "data_licence": "CC BY-SA 3.0, as it is usually stated for MNIST",
        "licence": "Apache-2.0",
        "command": "python benchmarks/train_presets.py digit_features",
        "seed": 0,
        "training": "5 epochs of batches of 128, Adam from 2e-3 by a cosine, "
        "dropout 0.3 before the last two layers",
        "precision": f"float16 in the file; accuracy in float32 {accuracy:.4f}",
        # A few images more or less, where arithmetic differs.
        "measured": measured(
            "digit_features",
            model,
            {
                "accuracy_mnist_test": 5e-4,
                "accuracy_digits_8x8_enlarged": 2e-3,
            },
            error,
        ),
    }
    model.save_to_preset(FOLDER / "digit_features", card, "float16")


def rbm_digits_8x8():
    """A small RBM whose likelihood is exact."""
    (x, _), (x_test, _) = gz.datasets.digits.load_data()
    x, x_test = (
        (images.reshape(-1, 64) > 7).astype("uint8") for images in (x, x_test)
    )
    rbm = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(20), seed=0)
    rate = keras.optimizers.schedules.CosineDecay(0.05, 60 * 150)
    rbm.compile(
        keras.optimizers.SGD(rate),
        gz.losses.PersistentContrastiveDivergence(steps=1),
        steps_per_execution=10,
    )
    rbm.fit(x, batch_size=10, epochs=60, verbose=2)
    log_z = rbm.log_partition(method="enumeration")
    errors = {
        f"log_likelihood_{part}": float(
            rbm.log_prob(rows).std() / np.sqrt(len(rows))
        )
        for part, rows in (("train", x), ("test", x_test))
    }
    independent = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(1))
    independent.adapt(x)
    independent.kernel.assign(np.zeros((64, 1)))
    card = {
        "description": "64 x 20 Bernoulli RBM of binary 8x8 digits",
        **DIGITS_8X8,
        "licence": "Apache-2.0",
        "command": "python benchmarks/train_presets.py rbm_digits_8x8",
        "seed": 0,
        "training": "60 epochs of batches of 10, PCD-1 with 128 chains, "
        "SGD from 0.05 by a cosine",
        "log_partition": {
            "value": log_z.value,
            "method": log_z.method,
        },
        "independent_pixels_log_likelihood_test": float(
            independent.log_prob(x_test).mean()
        ),
        "units": "nats an image; exact, by enumeration of the hidden states; "
        "stderr is that of the mean over the images",
        "measured": measured(
            "rbm_digits_8x8",
            rbm,
            {name: 1e-3 for name in errors},
            lambda name, value: errors[name],
        ),
    }
    folder = FOLDER / "rbm_digits_8x8"
    rbm.save_to_preset(folder, card)
    samples = rbm.sample(100, seed=0).reshape(10, 10, 8, 8)
    samples = np.pad(samples, ((0, 0), (0, 0), (0, 1), (0, 1)))
    picture = np.block([list(row) for row in samples])
    plt.imsave(
        folder / "samples.png",
        np.kron(picture, np.ones((4, 4))),
        cmap="gray_r",
        metadata={"Software": None},
    )


def ising_maxent_16_critical():
    """One coupling for all bonds, from configurations at the critical point."""
    temperature = onsager.CRITICAL_TEMPERATURE
    x = gz.datasets.ising((16, 16), temperature, 4096, seed=0)
    model = gz.MaxEnt(
        gz.spaces.Spin((16, 16)), gz.features.LatticeBonds((16, 16)), seed=0
    )
    model.compile(loss="pseudolikelihood")
    model.fit(x, verbose=0)
    coupling = tf.constant(1 / temperature, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(coupling)
        log_z = onsager.torus_log_partition((16, 16), coupling)
    true_bond = float(tape.gradient(log_z, coupling)) / 512
    bonds = measures.mean_bonds(model, model.sample(1000, seed=0, steps=2000))
    errors = {
        "coupling": pseudolikelihood_error(x, model.multipliers[0]),
        "mean_bond_of_samples": float(bonds.std() / np.sqrt(len(bonds))),
    }
    card = {
        "description": "maximum entropy with one coupling: Ising, 16 x 16",
        "data": "4,096 independent configurations of genzoo.datasets.ising, "
        "16 x 16, periodic, at T = 2 / log(1 + sqrt 2), seed 0",
        "data_licence": "made by genzoo; Apache-2.0",
        "licence": "Apache-2.0",
        "command": "python benchmarks/train_presets.py "
        "ising_maxent_16_critical",
        "seed": 0,
        "training": "pseudolikelihood, L-BFGS; stderr of the coupling by the "
        "sandwich formula",
        "true": {
            "coupling": 1 / temperature,
            "mean_bond": true_bond,
            "method": "1 / T; Kaufman's exact log Z of the torus",
        },
        "measured": measured(
            "ising_maxent_16_critical",
            model,
            {
                "coupling": 1e-9,
                # Rounding sends chains elsewhere on another machine.
                "mean_bond_of_samples": 6 * errors["mean_bond_of_samples"],
            },
            lambda name, value: errors[name],
        ),
    }
    model.save_to_preset(FOLDER / "ising_maxent_16_critical", card)
    print("true", 1 / temperature, true_bond, errors)


def pseudolikelihood_error(x, coupling):
    """The standard error of one coupling, by the sandwich formula."""
    x = x.astype(np.float64)
    around = sum(np.roll(x, step, axis) for step in (-1, 1) for axis in (1, 2))
    mean = np.tanh(coupling * around)
    score = (around * (x - mean)).sum(axis=(1, 2))
    curvature = (around**2 * (1 - mean**2)).sum()
    return float(np.sqrt(len(x)) * score.std() / curvature)


PRESETS = {
    f.__name__: f
    for f in (digit_features, ising_maxent_16_critical, rbm_digits_8x8)
}


def main():
    """Train what is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=PRESETS)
    for name in parser.parse_args().names:
        PRESETS[name]()
        print(f'    "{name}": (')
        command.main(["hash", str(FOLDER / name)])
        print("    ),")


if __name__ == "__main__":
    main()
