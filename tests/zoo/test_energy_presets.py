"""What the cards of energy-based presets promise, and how it is measured."""

import numpy as np
import pytest

import genzoo as gz
from genzoo.partition import onsager
from genzoo.zoo.measures import boltzmann, ising, patches
from genzoo.zoo.measures.jackknife import jackknife


@pytest.mark.parametrize("name", ising.TEMPERATURES)
def test_rbm_of_a_phase_has_energy_and_magnetisation_of_it(name):
    card = gz.zoo.card(name)
    true, found = card["true"], card["of_2000_samples"]
    energy = onsager.torus_energy((16, 16), ising.TEMPERATURES[name])
    np.testing.assert_allclose(true["energy_per_spin"], energy, rtol=1e-9)
    for measure, share in (
        ("energy_per_spin", 0.02),
        ("magnetisation_per_spin", 0.03),
    ):
        off = abs(found[measure]["value"] - true[measure])
        noise = found[measure]["stderr"]
        assert off <= share * abs(true[measure]) + 3 * noise
        again = card["measured"][measure]
        apart = abs(again["value"] - found[measure]["value"])
        assert apart < 4 * np.hypot(again["stderr"], noise)


def test_rbm_of_the_ordered_phase_has_both_signs():
    share = gz.zoo.card("ising_rbm_16_ordered")[
        "share_of_positive_magnetisation"
    ]
    assert 0.3 < share < 0.7


def test_thermodynamics_of_known_configurations():
    up = np.ones((2, 3, 16, 16))
    up[:, 1] = -1
    found = ising.thermodynamics(up, 2.0)
    values = [estimate.value for estimate in found.values()]
    assert values == [-2.0, 1.0, 0.0]


def test_log_z_of_the_digits_is_the_same_by_two_routes():
    found = gz.zoo.card("boltzmann_digits_8x8")["measured"]
    routes = [
        found[f"log_partition_{route}"]
        for route in ("annealed", "thermodynamic")
    ]
    first, second = (route["value"] for route in routes)
    error = np.hypot(*(route["stderr"] for route in routes))
    assert abs(first - second) < 4 * error


def test_integrated_log_z_is_the_exact_one():
    machine = gz.BoltzmannMachine(gz.spaces.Binary(6), seed=0)
    rng = np.random.default_rng(0)
    couplings = rng.normal(size=(6, 6))
    machine.adapt(rng.integers(0, 2, (50, 6)))
    machine.set_parameters(rng.normal(size=6), couplings + couplings.T)
    found = boltzmann.thermodynamic_log_partition(machine)
    exact = machine.log_partition("enumeration").value
    assert 0 < found.stderr < 0.1
    assert abs(found.value - exact) < 4 * found.stderr


def test_rbm_of_patches_is_better_than_gaussians():
    others = gz.zoo.card("gaussian_rbm_patches")[
        "log_likelihood_test_of_others"
    ]
    assert len(others) == 3
    for row in others.values():
        assert row["rbm_is_better_by"] > 4 * row["stderr_of_that"]


def test_principal_components():
    _, covariance = patches.gaussian_of_patches(36)
    # With one component left out its variance is its own average.
    np.testing.assert_allclose(patches.principal(covariance, 35), covariance)
    values = np.linalg.eigvalsh(patches.principal(covariance, 4))
    np.testing.assert_allclose(values[-4:], np.linalg.eigvalsh(covariance)[-4:])
    np.testing.assert_allclose(values[:-4], values[0])


def test_jackknife_of_a_mean_is_its_standard_error():
    x = np.random.default_rng(0).normal(size=20)
    found = jackknife(np.mean, x)
    assert found.value == x.mean()
    np.testing.assert_allclose(found.stderr, x.std(ddof=1) / np.sqrt(20))
