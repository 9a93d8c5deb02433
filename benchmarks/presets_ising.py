"""Presets of the Ising model; run by train_presets.py."""

import numpy as np
import tensorflow as tf
from preset_cards import FOLDER, measured

import genzoo as gz
from genzoo.partition import onsager
from genzoo.zoo.measures import ising as measures


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


PRESETS = (ising_maxent_16_critical,)
