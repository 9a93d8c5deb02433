"""Edges taken in one after another, those that gain most likelihood first."""

from typing import Any

import numpy as np

from genzoo.models.maxent.cells import cells_of
from genzoo.models.maxent.density import Density
from genzoo.types import Array

# Of the edges that are worth it, how many are taken in at once.
_SHARE = 0.1
# States that are summed over in each round; beyond, there are chains.
_FEW = 2**12
# Of chains, in each round: epochs of the search, and draws at most.
_EPOCHS, _MOST_DRAWS = 1, 20_000


def tables(density: Density, averages: Array) -> Array:
    """Frequencies of the levels of all pairs of sites, (n, n, q, q).

    Args:
        density: with fields and couplings of all pairs.
        averages: of its features, (features,).
    """
    codes = density.encoding
    (q, d), n = codes.shape, density.layout.sites
    mean, product = (m.numpy() for m in density.layout.matrices(averages))
    square = np.ones((n, n, q, q))
    means = mean.reshape(n, d)
    square[:, :, 0, 1:] = means
    square[:, :, 1:, 0] = means[:, None]
    square[:, :, 1:, 1:] = product.reshape(n, d, n, d).transpose(0, 2, 1, 3)
    # One-hot levels are linear in (1, phi).
    back = np.linalg.inv(np.hstack([np.ones((q, 1)), codes]))
    return back.T @ square @ back


def gains(observed: Array, expected: Array, rows: float = np.inf) -> Array:
    """What edges would gain alone: KL(observed || expected), (edges,).

    The best factor of the levels of two sites is the ratio of their
    frequencies; the mean log-likelihood grows by as much.

    Args:
        observed: frequencies of the levels of two sites, (edges, q, q).
        expected: the same in the model, without these edges.
        rows: of draws that the latter were counted in. Half a draw in each
            cell keeps them from zero.
    """
    even = 0.5 * observed[0].size / rows
    expected = (expected + 0.5 / rows) / (1 + even)
    kept = observed > 0
    ratio = np.where(kept, observed, 1.0) / np.where(kept, expected, 1.0)
    return np.where(kept, observed * np.log(ratio), 0.0).sum(axis=(1, 2))


def agreement(observed: Array, expected: Array) -> float:
    """Pearson's r of the connected correlations of pairs of sites."""
    both = []
    for table in (observed, expected):
        first, second = table.sum(axis=2), table.sum(axis=1)
        own = table - first[:, :, None] * second[:, None]
        both.append(own.ravel() - own.mean())
    size = np.sqrt(np.prod([np.square(own).sum() for own in both]))
    return float(both[0] @ both[1] / size) if size > 0 else 0.0


def activate(machine: Any, x: Array, weight: Array | None, end: float) -> Any:
    """The machine of `BoltzmannMachine.activated`; None without edges.

    Args:
        machine: a `BoltzmannMachine`, on all edges that may be taken in.
        x: examples, an array.
        weight: of the rows, or None.
        end: `agreement` at which there are enough.
    """
    full = type(machine)(
        machine.space, edges=machine.edges, seed=machine.draws.seed
    )
    is_listed = (machine.space.state_count or np.inf) <= _FEW
    full.compile(loss="exact_likelihood" if is_listed else "pcd", watch=False)
    full.adapt(x, sample_weight=weight)
    density, layout = full.density, full.density.layout
    kept = full.observations
    values, count = kept.values.numpy(), kept.count
    pairs = density.form.site_pairs()
    first, second = pairs.T
    data = tables(density, values)[first, second]
    # Which edge each multiplier is of, and -1 for fields.
    size = layout.codes**2
    numbers = np.zeros((layout.sites,) * 2)
    numbers[first, second] = np.arange(len(pairs))
    numbers = np.kron(numbers, np.ones((layout.codes,) * 2))
    owner = layout.features(np.full(layout.size, -1.0), numbers)
    owner = owner.numpy().astype(int)
    active = np.zeros(len(pairs), bool)
    while True:
        closed = np.append(~active, False)[owner]
        full.fit(
            observations=values,
            observation_stderr=np.where(closed, np.inf, 0.0),
            observation_count=count,
            epochs=None if is_listed else _EPOCHS,
            verbose=0,
        )
        rows = np.inf
        if is_listed:
            averages = full.expectation()
        else:
            rows = min(max(count, full.chains.count), _MOST_DRAWS)
            draws = full.sample(rows, start="chains", steps=10)
            averages = cells_of(density, draws).averages(density)
        model = tables(density, averages)[first, second]
        gain = gains(data, model, rows)
        gain[active] = 0.0
        # Of the extended BIC; draws are as noisy as examples.
        own = 0.5 * size * np.log(count) + 2 * np.log(machine.space.width)
        worth = np.flatnonzero(gain > own * (1 / count + 1 / rows))
        if not len(worth) or agreement(data, model) >= end:
            break
        more = max(int(_SHARE * len(worth)), 1)
        active[worth[np.argsort(-gain[worth], kind="stable")[:more]]] = True
    if not active.any():
        return None
    found = type(machine)(
        machine.space,
        edges=pairs[active],
        start=machine.start,
        seed=machine.draws.seed,
    )
    found.set_parameters(full.fields, full.couplings)
    return found
