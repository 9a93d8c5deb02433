import math

import numpy as np
import pytest
from goodness_of_fit import assert_kolmogorov_smirnov

import genzoo as gz
from genzoo.datasets import decay

N = 20_000
EXACT = {"momentum_resolution": 0, "angle_resolution": 0}


@pytest.fixture(scope="module")
def exact():
    """Events without smearing, and their energies."""
    events, energies = gz.datasets.two_body_decay(N, **EXACT, seed=1)
    return events, energies[:, 0].astype(float)


def normal_cdf(x):
    return np.vectorize(math.erfc)(-x / math.sqrt(2)) / 2


def breit_wigner_cdf(m):
    half = decay.WIDTH / 2
    return 0.5 + np.arctan((m - decay.MASS) / half) / (
        2 * math.atan(decay.WINDOW * decay.WIDTH / half)
    )


def test_shapes_and_range(exact):
    events, energies = gz.datasets.two_body_decay(50)
    assert events.shape == (50, 6)
    assert energies.shape == (50, 1)
    assert events.dtype == energies.dtype == np.float32
    low, high = decay.ENERGIES
    assert_kolmogorov_smirnov(exact[1], lambda e: (e - low) / (high - low))


def test_energy_and_momentum_are_conserved(exact):
    events, energies = exact
    np.testing.assert_allclose(decay.total_energy(events), energies, rtol=2e-7)
    # E^2 = m^2 + p^2 with the mass of another formula.
    square = np.sum(decay.total_momentum(events) ** 2, axis=1)
    mass = np.sqrt(decay.total_energy(events) ** 2 - square)
    np.testing.assert_allclose(decay.invariant_mass(events), mass, rtol=1e-5)


def test_masses_are_breit_wigner(exact):
    mass = decay.invariant_mass(exact[0])
    assert np.abs(mass - decay.MASS).max() < decay.WINDOW * decay.WIDTH + 1e-3
    assert_kolmogorov_smirnov(mass, breit_wigner_cdf)


def test_transverse_momenta_are_normal_and_not_along_any_direction(exact):
    total = decay.total_momentum(exact[0]) / decay.TRANSVERSE
    for values in (total[:, 0], total[:, 1], total[:, :2] @ [0.6, -0.8]):
        assert_kolmogorov_smirnov(values, normal_cdf)
    assert np.all(total[:, 2] > 0)


def test_decay_angles(exact):
    events, energies = exact
    cosine = decay.cos_theta(events)
    cdf = lambda c: 0.5 + (3 * c + c**3) / 8  # noqa: E731
    assert_kolmogorov_smirnov(cosine, cdf)
    # The angle knows nothing of the boost.
    for part in (energies < 180, energies > 270):
        assert_kolmogorov_smirnov(cosine[part], cdf)
    azimuths = decay.azimuths(events)
    for column in range(2):
        assert_kolmogorov_smirnov(
            azimuths[:, column], lambda phi: 0.5 + phi / (2 * math.pi)
        )


def test_in_the_rest_frame_leptons_are_back_to_back(exact):
    events, energies = exact
    leptons = events.astype(float).reshape(-1, 2, 3)
    velocity = decay.total_momentum(events) / energies[:, None]
    mass = decay.invariant_mass(events)
    # Lorentz matrices, an independent way to boost.
    gamma = (energies / mass)[:, None, None]
    matrix = np.zeros((N, 4, 4))
    matrix[:, :1, :1] = gamma
    matrix[:, 0, 1:] = matrix[:, 1:, 0] = -gamma[:, 0] * velocity
    outer = velocity[:, :, None] * velocity[:, None]
    square = np.trace(outer, axis1=1, axis2=2)[:, None, None]
    matrix[:, 1:, 1:] = np.eye(3) + (gamma - 1) * outer / square
    sizes = np.linalg.norm(leptons, axis=-1, keepdims=True)
    four = np.concatenate([sizes, leptons], axis=-1)
    at_rest = np.einsum("nij,nkj->nki", matrix, four)
    np.testing.assert_allclose(
        at_rest[..., 0], mass[:, None] / [2, 2], rtol=1e-4
    )
    np.testing.assert_allclose(at_rest[:, 0, 1:], -at_rest[:, 1, 1:], atol=1e-3)
    np.testing.assert_allclose(
        at_rest[:, 0, 3] / at_rest[:, 0, 0], decay.cos_theta(events), atol=1e-4
    )


def test_smearing_has_the_widths_it_is_said_to_have(exact):
    events, _ = gz.datasets.two_body_decay(N, seed=1)
    true = exact[0].astype(float).reshape(-1, 3)
    found = events.astype(float).reshape(-1, 3)
    sizes = np.linalg.norm(found, axis=1) / np.linalg.norm(true, axis=1)
    assert_kolmogorov_smirnov((sizes - 1) / 0.015, normal_cdf)
    pairs = np.concatenate([true, found], axis=1)
    angles = np.tan(decay.opening_angle(pairs)) / 0.002
    # Two normal angles at right angles: Rayleigh. float32 has 1e-7 of angle.
    assert_kolmogorov_smirnov(angles, lambda a: 1 - np.exp(-(a**2) / 2))


def test_observables_of_an_event_by_hand():
    # 3-4-5 in the transverse plane, and one along x with pz.
    event = np.array([[3.0, 4.0, 0.0, -12.0, 0.0, 5.0]])
    assert decay.total_energy(event) == pytest.approx(18)
    np.testing.assert_allclose(decay.total_momentum(event), [[-9, 4, 5]])
    assert decay.invariant_mass(event) == pytest.approx(math.sqrt(324 - 122))
    assert decay.opening_angle(event) == pytest.approx(math.acos(-36 / 65))
    np.testing.assert_allclose(decay.transverse_momenta(event), [[5, 12]])
    np.testing.assert_allclose(
        decay.pseudorapidities(event), [[0, math.asinh(5 / 12)]]
    )
    np.testing.assert_allclose(
        decay.azimuths(event), [[math.atan2(4, 3), math.pi]]
    )


def test_an_event_depends_on_its_number_and_the_seed_only():
    many, energies = gz.datasets.two_body_decay(1001, seed=(4, 2))
    for n in (1, 7, 1000):
        fewer, its = gz.datasets.two_body_decay(n, seed=(4, 2))
        np.testing.assert_array_equal(fewer, many[:n])
        np.testing.assert_array_equal(its, energies[:n])
        # Given energies lead to the same events.
        again, _ = gz.datasets.two_body_decay(n, its, seed=(4, 2))
        np.testing.assert_allclose(again, fewer, rtol=1e-4, atol=1e-3)
    assert not np.any(gz.datasets.two_body_decay(1001, seed=5)[0] == many)


def test_energy_may_be_a_number():
    events, energies = gz.datasets.two_body_decay(100, 200.0, **EXACT)
    np.testing.assert_array_equal(energies, np.full((100, 1), 200, "float32"))
    np.testing.assert_allclose(decay.total_energy(events), 200, rtol=2e-7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n must be a positive int; received 0"),
        ({"n": 5, "energy": 91.19}, "at least 130 GeV; received 91.19"),
        ({"n": 5, "energy": [200.0, 210.0]}, r"n = 5 .* shape \(2,\)"),
        ({"n": 1, "energy": [math.nan]}, "energy must be finite"),
        ({"n": 5, "momentum_resolution": -0.1}, "momentum_resolution must be"),
        ({"n": 5, "angle_resolution": "a"}, "received 'a'"),
        ({"n": 5, "seed": 1.5}, "seed must be"),
    ],
)
def test_errors_say_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        gz.datasets.two_body_decay(**arguments)


def test_events_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"shape \(n, 6\).*\(4, 3\)"):
        decay.invariant_mass(np.zeros((4, 3)))
