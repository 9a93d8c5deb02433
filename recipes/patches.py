"""The preset with real-valued units."""

import keras
import numpy as np

import genzoo as gz
from genzoo.zoo.measures import patches as measures
from recipes import cards
from recipes.digits import DIGITS_8X8

EPOCHS, BATCH = 150, 100
# Images of the training set that choose the number of principal components.
VALIDATION = 200


def gaussian_rbm_patches():
    """Gaussian units of learned variance, 64 binary hidden units."""
    name = "gaussian_rbm_patches"
    x = measures.patches(0).reshape(-1, measures.WIDTH)
    rbm = gz.RBM(
        gz.units.Gaussian(measures.WIDTH, learn_variance=True),
        gz.units.Bernoulli(64),
        seed=0,
    )
    rate = keras.optimizers.schedules.CosineDecay(
        0.01, EPOCHS * len(x) // BATCH
    )
    rbm.compile(
        keras.optimizers.Adam(rate),
        gz.losses.PersistentContrastiveDivergence(steps=1, chains=500),
        steps_per_execution=10,
    )
    rbm.fit(x, batch_size=BATCH, epochs=EPOCHS, verbose=2)
    settled = rbm.sample(100, seed=1, steps=3000)
    rbm.keep_chains(100)
    rbm.chains.write_all(rbm.sample_hidden(settled, seed=2))
    other = measures.annealed_log_partition(rbm)
    log_z = rbm.log_partition("ais", chains=200, temperatures=20_000)

    def error(log_prob):
        # Patches of one image are not independent.
        return float(log_prob.mean(axis=1).std() / np.sqrt(len(log_prob)))

    test = measures.patches(1)
    parts = {"train": 0, "test": 1}
    stderr = {
        f"log_likelihood_{part}": float(
            np.hypot(error(measures.rbm_log_prob(rbm, number)), log_z.stderr)
        )
        for part, number in parts.items()
    }
    stderr["log_partition"] = other.stderr
    tolerances = dict.fromkeys(stderr, 1e-2)
    tolerances["log_partition"] = 6 * other.stderr
    components = best_number_of_components()
    rivals = {
        "independent_gaussian": measures.gaussian_of_patches(),
        "gaussian_of_full_covariance": measures.gaussian_of_patches(36),
        f"probabilistic_pca_{components}": measures.gaussian_of_patches(
            components
        ),
    }
    rivals = {
        rival: measures.gaussian_log_prob(test, *moments)
        for rival, moments in rivals.items()
    }
    own = measures.rbm_log_prob(rbm)
    card = {
        "description": "36 x 64 Gaussian-Bernoulli RBM of 6x6 patches of "
        "handwritten digits",
        "data": DIGITS_8X8["data"].split(";")[0] + "; all nine 6x6 patches of "
        "the first 1,500 to train, of 297 to test; grey levels 0 to 16 plus "
        "a uniform number below 1; x = (ink - 7) / 6",
        "data_licence": DIGITS_8X8["data_licence"],
        "training": f"{EPOCHS} epochs of batches of {BATCH}, PCD-1 with 500 "
        "chains, Adam from 0.01 by a cosine; the variance of each pixel is "
        "learned",
        "log_partition": log_z._asdict(),
        "log_likelihood_test_of_others": {
            rival: {
                "value": float(log_prob.mean()),
                "stderr": error(log_prob),
                "rbm_is_better_by": float((own - log_prob).mean()),
                "stderr_of_that": error(own - log_prob),
            }
            for rival, log_prob in rivals.items()
        },
        "others": "fitted to the same patches by maximum likelihood; the "
        f"{components} components are best of 0 to 36 on the last "
        f"{VALIDATION} training images (35 leave one variance to average: "
        "that is the full covariance again)",
        "units": "nats a patch, of densities of the ink (x has densities 6^36 "
        "times as large): lower bounds on log-probabilities of grey levels; "
        "stderr over images, not patches, and of log Z",
    }
    for rival, row in card["log_likelihood_test_of_others"].items():
        print(rival, row)
    values = cards.measure(name, rbm)
    cards.save(name, rbm, card, values, tolerances, stderr)
    draw(name, rbm, test)


def best_number_of_components():
    """Of probabilistic PCA, by images that it is not fitted to."""
    x = measures.patches(0)
    known = x[:-VALIDATION].reshape(-1, measures.WIDTH)
    mean, covariance = known.mean(axis=0), np.cov(known.T)

    def score(components):
        rows = (
            measures.principal(covariance, components)
            if components < measures.WIDTH
            else covariance
        )
        return measures.gaussian_log_prob(x[-VALIDATION:], mean, rows).mean()

    return max(range(measures.WIDTH + 1), key=score)


def draw(name, rbm, test):
    """Samples at the left, real patches at the right."""
    real = test.reshape(-1, measures.WIDTH)
    real = real[np.random.default_rng(0).permutation(len(real))[:80]]
    rows = [
        part.reshape(8, 10, measures.SIDE, measures.SIDE)
        for part in (rbm.sample(80, seed=0), real)
    ]
    white = -measures.MEAN / measures.SCALE
    gap = np.full_like(rows[0][:, :1], white)
    images = np.concatenate([rows[0], gap, rows[1]], axis=1)
    ink = measures.MEAN + measures.SCALE * images
    cards.picture(
        name,
        ink.reshape(-1, measures.SIDE, measures.SIDE),
        rows=8,
        low=0,
        high=17,
    )


PRESETS = (gaussian_rbm_patches,)
