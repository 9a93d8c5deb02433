"""Presets of binary 8x8 digits: a deep, a neural and an adversarial one."""

import numpy as np

import genzoo as gz
from genzoo.zoo.measures import boltzmann
from genzoo.zoo.measures import energies as measures
from recipes import cards, digits

_MEANING = (
    "near_precision: the share of samples in the balls around all 1,797 "
    "digits that reach to the fifth neighbour"
)
_AGAIN = (
    "log_partition_annealed again with 100 other chains and 1,000 temperatures"
)


def _data():
    return [boltzmann.binary_digits(part) for part in (0, 1)]


def _kept(name, model, card, log_prob):
    """Measure a model whose log Z is known, and save it with its card.

    Args:
        name: of the preset.
        model: as it is to be loaded.
        card: what is said of this model alone.
        log_prob: function of rows, whose means are on the card.
    """
    x, x_test = _data()
    log_z = model.stored_log_partition
    values = cards.measure(name, model)
    count, sweeps = measures.DRAWS[name]
    near = _near(values)
    errors = {"near_precision": np.sqrt(near * (1 - near) / count)}
    # Rounding sends chains elsewhere on another machine.
    tolerances = {"near_precision": 4 * errors["near_precision"]}
    if "log_partition_annealed" in values:
        again = measures.annealed_log_partition(model).stderr
        errors["log_partition_annealed"] = again
        tolerances["log_partition_annealed"] = 5 * again
    for part, rows in (("train", x), ("test", x_test)):
        p = log_prob(rows)
        error = np.hypot(p.std() / np.sqrt(len(p)), log_z.stderr)
        for key in values.keys() & {f"bound_{part}", f"log_likelihood_{part}"}:
            errors[key], tolerances[key] = error, 2e-3
    held_out = gz.metrics.manifold_overlap(x, x_test, 5, recall=False)
    card = {
        **digits.DIGITS_8X8,
        **card,
        "log_partition": {
            key: value
            for key, value in log_z._asdict().items()
            if value != np.inf
        },
        "independent_pixels_log_likelihood_test": digits.independent(x, x_test),
        "near_precision_of_test_digits": held_out.precision,
    }
    card["units"] = (
        f"nats an image; {card['units']}; {_MEANING}, of {count:,} samples, "
        f"{sweeps:,} sweeps each where they are by chains; of test digits by "
        "the balls of those to train"
    )
    errors = {key: float(error) for key, error in errors.items()}
    tolerances = {key: float(most) for key, most in tolerances.items()}
    cards.save(name, model, card, values, tolerances, errors)
    drawn = model.sample(100, seed=0, steps=1000)
    cards.picture(name, drawn.reshape(-1, 8, 8), rows=10)


def dbm_digits_8x8(model=None):
    """Two hidden layers by the defaults."""
    if model is None:
        layers = [gz.units.Bernoulli(size) for size in (64, 50, 100)]
        model = gz.DeepBoltzmannMachine(layers, seed=0)
        model.compile(watch=False)
        model.fit(_data()[0], epochs=60, verbose=2)
    model.log_partition("ais", chains=500, temperatures=10_000)
    card = {
        "description": "64 x 50 x 100 deep Boltzmann machine of binary 8x8 "
        "digits",
        "training": "60 epochs by the defaults: PCD, centred gradients, mean "
        "field for the data, no pretraining",
        "units": "bound: by mean field; log_likelihood_test: the sum over "
        "hidden states by annealing instead; log Z of both by annealing both "
        f"ways with 500 chains and 10,000 temperatures; {_AGAIN}",
    }
    _kept("dbm_digits_8x8", model, card, model.bound)


def energy_digits_8x8(model=None):
    """A perceptron for an energy, by the defaults."""
    if model is None:
        model = gz.EnergyModel(gz.spaces.Binary(64), seed=0)
        model.compile(watch=False)
        model.fit(_data()[0], batch_size=64, epochs=50, verbose=2)
    # As it will be loaded.
    model.keep_chains(0)
    model.log_partition("ais", chains=200, temperatures=4000)
    card = {
        "description": "neural energy of binary 8x8 digits, a perceptron of "
        "three layers",
        "training": "50 epochs of batches of 64 by the defaults: PCD with "
        "256 chains by Gibbs sampling with gradients, FallingAdam",
        "units": "log Z of the likelihoods by annealing both ways with 200 "
        f"chains and 4,000 temperatures; {_AGAIN}",
    }
    _kept("energy_digits_8x8", model, card, model.log_prob)


def _small_rbm(loss):
    rbm = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(16), seed=0)
    rbm.compile(loss=loss, watch=False)
    rbm.fit(_data()[0], batch_size=100, epochs=300, verbose=0)
    rbm.log_partition("enumeration")
    return rbm


def rbm_digits_8x8_adversarial(model=None):
    """An RBM that is too simple for digits, by likelihood with a critic."""
    name = "rbm_digits_8x8_adversarial"
    rbm, alone = model or _small_rbm(gz.losses.Adversarial()), _small_rbm("pcd")
    count, _ = measures.DRAWS[name]
    own, other = (cards.measure(name, one) for one in (rbm, alone))
    x_test = _data()[1]
    gains = rbm.log_prob(x_test) - alone.log_prob(x_test)
    spread = sum(p * (1 - p) for p in (_near(own), _near(other)))
    card = {
        "description": "64 x 16 Bernoulli RBM of binary 8x8 digits, by "
        "likelihood with an adversary",
        "training": "300 epochs of batches of 100 by the defaults of "
        "Adversarial: PCD, weight 0.2, a perceptron for a critic",
        "by_likelihood_alone": other,
        "against_likelihood_alone": {
            "log_likelihood_test": {
                "value": float(gains.mean()),
                "stderr": float(gains.std() / np.sqrt(len(gains))),
            },
            "near_precision": {
                "value": _near(own) - _near(other),
                "stderr": float(np.sqrt(spread / count)),
            },
        },
        "units": "exact, by enumeration of the hidden states; "
        "by_likelihood_alone: the same layers, seed and updates without the "
        "critic, against which five seeds are in benchmarks/adversary.py",
    }
    _kept(name, rbm, card, rbm.log_prob)


def _near(values):
    return values["near_precision"]


PRESETS = (dbm_digits_8x8, energy_digits_8x8, rbm_digits_8x8_adversarial)
