"""Lattices as loops over sites, and sums over all their states."""

import itertools

import numpy as np


def bonds(shape, periodic=True, kind="square"):
    """Pairs of neighbours, one after the other: none of genzoo's."""
    periodic = np.broadcast_to(periodic, len(shape))
    steps = np.eye(len(shape), dtype=int).tolist()
    if kind == "triangular":
        steps.append([1, 1])
    found = []
    for site in np.ndindex(*shape):
        for step in steps:
            place = np.add(site, step)
            outside = place >= shape
            place = place % shape
            if (outside & ~periodic).any() or tuple(place) == site:
                continue
            found.append(
                [np.ravel_multi_index(s, shape) for s in (site, place)]
            )
    return np.array(found, int).reshape(-1, 2)


def pair(model, states, x, y):
    """e of two sites, and f of one, of all states."""
    if model == "ising":
        return x * y, x
    if model == "potts":
        return 1.0 * (x == y), 1.0 * (x == 0)
    turn = 2 * np.pi / states if model == "clock" else 1.0
    return np.cos(turn * (x - y)), np.cos(turn * x)


def energies(model, states, x, edges, coupling, field):
    """E of states (n, sites), not divided by anything."""
    total = np.zeros(len(x))
    for i, j in edges:
        total -= coupling * pair(model, states, x[:, i], x[:, j])[0]
    for i in range(x.shape[1]):
        total -= field * pair(model, states, x[:, i], x[:, i])[1]
    return total


def all_states(model, states, sites):
    """Every state, (n, sites); of XY spins, on a grid of `states` angles."""
    values = np.arange(states, dtype=float)
    if model == "ising":
        values = np.array([-1.0, 1.0])
    if model == "xy":
        values = 2 * np.pi * (values + 0.3) / states - np.pi
    return np.array(list(itertools.product(values, repeat=sites)))


def boltzmann(energy, temperature):
    """Probabilities of states with these energies."""
    p = np.exp(-(energy - energy.min()) / temperature)
    return p / p.sum()
