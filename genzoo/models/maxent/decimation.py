"""Edges taken away one after another: decimation."""

from typing import Any

import numpy as np

from genzoo.models.maxent.cells import Cells, cells_of
from genzoo.models.maxent.site_by_site import SiteBySite
from genzoo.types import Array

# Of the edges left, how many are taken away at once.
_SHARE = 0.05


def decimate(machine: Any, x: Array, weight: Array | None) -> Any:
    """The machine whose regressions are best by the extended BIC.

    Args:
        machine: a `BoltzmannMachine`, on all edges that may be needed.
        x: examples, an array.
        weight: of the rows, or None.
    """
    cells = cells_of(machine.density, x, weight)
    edges = len(machine.density.form.site_pairs())
    # An edge is in two regressions, and one of many that might be there.
    size = machine.density.form.codes**2 * np.log(cells.rows)
    price = (size + 2 * np.log(machine.space.width)) / cells.rows
    known: dict = {}
    best, peak, step = machine, -np.inf, machine
    while edges:
        step = step.pruned(edges)
        score = _refitted(step, x, weight, cells, known) - price * edges
        if score > peak:
            best, peak = step, score
        edges -= max(int(_SHARE * edges), 1)
    return best


def _refitted(
    machine: Any, x: Array, weight: Array | None, cells: Cells, known: dict
) -> float:
    """The log-pseudolikelihood where all its sites are solved for."""
    density, variable = machine.density, machine.multiplier_weights
    held, every = cells.least_l2(density), np.ones(variable.shape)
    search = SiteBySite(density, variable, x, weight, held, 0.0, every, known)
    loss = search.advance()["pseudolikelihood_loss"]
    search.write()
    return -loss
