"""A resonance decays to two leptons: events as a detector measures them.

Momenta and energies are in GeV, angles in radians, c = 1. An event is a row
(px, py, pz) of the first and (px, py, pz) of the second lepton; the beam is
along z. Leptons are massless: E = |p|.
"""

import math

import numpy as np

from genzoo import checks
from genzoo.runtime import random
from genzoo.runtime.memory import check_memory
from genzoo.types import Array, ArrayLike, SeedLike

MASS = 91.19
WIDTH = 2.5
# Masses this far from the peak at most, in widths: a Breit-Wigner has no
# variance, and an analysis has a window.
WINDOW = 10
TRANSVERSE = 5.0
ENERGIES = (150.0, 300.0)
# Enough for the heaviest resonance, whatever its transverse momentum.
_LEAST_ENERGY = 130.0


def two_body_decay(
    n: int,
    energy: float | ArrayLike | None = None,
    momentum_resolution: float = 0.015,
    angle_resolution: float = 0.002,
    seed: SeedLike = 0,
) -> tuple[Array, Array]:
    """Events of a resonance like the Z decaying in flight to two leptons.

    1. The mass m has the density `1 / ((m - M)^2 + (W / 2)^2)`, M = 91.19 and
       W = 2.5 GeV (Breit-Wigner), within ten widths of M.
    2. The resonance has the energy E of the beam. Its transverse momenta are
       normal with a standard deviation of 5 GeV each, and
       `pz = sqrt(E^2 - m^2 - px^2 - py^2) > 0`.
    3. In its rest frame the leptons have energy m / 2 each and fly apart, the
       first at an angle to the z axis with density `1 + cos^2 theta`, as from
       a Z without polarisation, and at any azimuth.
    4. The Lorentz boost `b = p / E`, `g = E / m` to the laboratory makes
       `p' = p* + b (g^2 / (g + 1) (b . p*) + g E*)` of each momentum p*.
    5. A measured |p| is normal around the true one, with a relative standard
       deviation; so are both angles to the true direction, at right angles.

    Steps 1 to 4 are exact and drawn without rejection.

    Args:
        n: number of events, 1 or more.
        energy: E in GeV, 130 or more: a number, or an array of n; None draws
            each from 150 to 300 evenly.
        momentum_resolution: relative, 0 or more.
        angle_resolution: in radians, 0 or more.
        seed: int or pair of ints. Event i depends on it, on the arguments and
            on i only, not on n; its true momenta not on the resolutions.

    Returns:
        `(events, conditions)`: measured momenta, float32, (n, 6), and the
        energies, float32, (n, 1). See `invariant_mass` and its neighbours.

    Raises:
        ValueError: if an argument is out of range.

    Reference:
        Particle Data Group, "Review of particle physics", chapter
        "Kinematics" and, for M and W, the Z boson's listing.

    Example:
    >>> events, energies = genzoo.datasets.two_body_decay(10_000)
    >>> genzoo.datasets.decay.invariant_mass(events).shape
    (10000,)
    """
    owner = "datasets.two_body_decay"
    checks.positive_int(n, f"{owner}: n")
    check_memory(f"{owner}: n", n, 6, 24)
    checks.penalty(momentum_resolution, f"{owner}: momentum_resolution")
    checks.penalty(angle_resolution, f"{owner}: angle_resolution")
    evenly, kicked, smeared = random.split(random.as_seed(seed), 3)
    uniform = random.uniform((n, 4), evenly, "float64").numpy().T
    beam = _energies(n, energy, uniform[3])

    reach = math.atan(2 * WINDOW)
    mass = MASS + WIDTH / 2 * np.tan(reach * (2 * uniform[0] - 1))
    transverse = TRANSVERSE * random.normal((n, 2), kicked, "float64").numpy()
    along = np.sqrt(beam**2 - mass**2 - np.sum(transverse**2, axis=1))
    velocity = np.column_stack([transverse, along]) / beam[:, None]

    # The root of c^3 + 3 c + 4 = 8 u, u being the share of angles below c.
    cosine = 2 * np.sinh(np.arcsinh(4 * uniform[1] - 2) / 3)
    momentum = _vectors(mass / 2, cosine, 2 * math.pi * uniform[2])
    leptons = np.stack(
        [_boosted(momentum, velocity), _boosted(-momentum, velocity)], axis=1
    )
    noise = random.normal((n, 2, 3), smeared, "float64").numpy()
    measured = _measured(leptons, noise, momentum_resolution, angle_resolution)
    return (
        measured.reshape(n, 6).astype(np.float32),
        beam.astype(np.float32)[:, None],
    )


# Observables of events (n, 6), float64 of shape (n,) ------------------------


def total_energy(events: ArrayLike) -> Array:
    """|p1| + |p2|."""
    return np.sum(np.linalg.norm(_leptons(events), axis=-1), axis=-1)


def total_momentum(events: ArrayLike) -> Array:
    """p1 + p2, of shape (n, 3)."""
    return _leptons(events).sum(axis=-2)


def invariant_mass(events: ArrayLike) -> Array:
    """sqrt((|p1| + |p2|)^2 - |p1 + p2|^2), which no boost changes."""
    sizes = np.linalg.norm(_leptons(events), axis=-1)
    # 2 |p1| |p2| (1 - cos) without a difference of large numbers.
    half = np.sin(opening_angle(events) / 2)
    return 2 * np.sqrt(np.prod(sizes, axis=-1)) * half


def opening_angle(events: ArrayLike) -> Array:
    """The angle between the two momenta, 0 to pi."""
    first, second = np.moveaxis(_leptons(events), -2, 0)
    across = np.linalg.norm(np.cross(first, second), axis=-1)
    return np.arctan2(across, np.sum(first * second, axis=-1))


def cos_theta(events: ArrayLike) -> Array:
    """Cosine of the first lepton's angle to z, in the pair's rest frame."""
    total, energy = total_momentum(events), total_energy(events)
    momentum = _boosted(_leptons(events)[:, 0], -total / energy[:, None])
    return momentum[:, 2] / np.linalg.norm(momentum, axis=-1)


def transverse_momenta(events: ArrayLike) -> Array:
    """sqrt(px^2 + py^2) of both leptons, of shape (n, 2)."""
    return np.linalg.norm(_leptons(events)[..., :2], axis=-1)


def pseudorapidities(events: ArrayLike) -> Array:
    """asinh(pz / pt) of both leptons, of shape (n, 2)."""
    return np.arcsinh(_leptons(events)[..., 2] / transverse_momenta(events))


def azimuths(events: ArrayLike) -> Array:
    """The angle to x around z of both leptons, -pi to pi, of shape (n, 2)."""
    leptons = _leptons(events)
    return np.arctan2(leptons[..., 1], leptons[..., 0])


def _leptons(events):
    events = np.asarray(events, np.float64)
    if events.ndim != 2 or events.shape[1] != 6:
        raise ValueError(
            "datasets.decay: events must have the shape (n, 6), two momenta "
            f"in a row; received {events.shape}."
        )
    return events.reshape(-1, 2, 3)


def _vectors(size, cosine, azimuth):
    sine = np.sqrt(1 - cosine**2)
    unit = [sine * np.cos(azimuth), sine * np.sin(azimuth), cosine]
    return (size * np.stack(unit)).T


def _boosted(momentum, velocity):
    """Momenta of massless particles, seen from a frame that moves at -b."""
    gamma = 1 / np.sqrt(1 - np.sum(velocity**2, axis=1, keepdims=True))
    along = np.sum(velocity * momentum, axis=1, keepdims=True)
    energy = np.linalg.norm(momentum, axis=1, keepdims=True)
    return momentum + velocity * (
        gamma**2 / (gamma + 1) * along + gamma * energy
    )


def _measured(leptons, noise, momentum_resolution, angle_resolution):
    """Lengths and directions with errors; all of shape (..., 3)."""
    size = np.linalg.norm(leptons, axis=-1, keepdims=True)
    direction = leptons / size
    # Two directions at right angles to that of flight.
    aside = np.cross(direction, [0.0, 0.0, 1.0])
    aside /= np.linalg.norm(aside, axis=-1, keepdims=True)
    upwards = np.cross(aside, direction)
    shift = angle_resolution * noise[..., 1:]
    direction = direction + shift[..., :1] * aside + shift[..., 1:] * upwards
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    return size * (1 + momentum_resolution * noise[..., :1]) * direction


def _energies(n, energy, uniform):
    if energy is None:
        low, high = ENERGIES
        return low + (high - low) * uniform
    try:
        given = np.asarray(energy, np.float64)
    except (TypeError, ValueError):
        checks.refuse(energy, "datasets.two_body_decay: energy", "numbers")
    if given.shape not in ((), (n,), (n, 1)):
        raise ValueError(
            "datasets.two_body_decay: energy must be a number or an array of "
            f"n = {n} numbers; received the shape {given.shape}."
        )
    if not np.all((given >= _LEAST_ENERGY) & (given < math.inf)):
        raise ValueError(
            "datasets.two_body_decay: energy must be finite and at least "
            f"{_LEAST_ENERGY:g} GeV; received {energy!r}."
        )
    return np.broadcast_to(given.reshape(-1), (n,))
