"""What the preset of the XY model is measured by."""

import numpy as np
import pytest

import genzoo as gz
from genzoo.zoo.measures import angles


def test_measures_are_those_of_the_lattice():
    x = np.random.default_rng(0).uniform(-np.pi, np.pi, (6, 8, 8))
    energy = gz.metrics.lattice.energy(x, model="xy")
    np.testing.assert_allclose(angles.mean_bonds(x), -energy / 2, rtol=1e-5)
    size = gz.metrics.lattice.magnetisation(x, model="xy")
    np.testing.assert_allclose(angles.lengths(x), size, rtol=1e-5)


def test_the_preset_is_within_errors_of_the_truth_on_its_card():
    card = gz.zoo.card("xy_maxent_8x8")
    measured, true = card["measured"], card["true"]
    coupling = measured["coupling"]
    assert coupling["value"] == pytest.approx(1, abs=4 * coupling["stderr"])
    for name in ("mean_bond", "magnetisation"):
        one = measured[f"{name}_of_samples"]
        error = np.hypot(one["stderr"], true[f"{name}_stderr"])
        assert abs(one["value"] - true[name]) < 4 * error
