"""Whether chains from several starts agree on where the model lies."""

import warnings
from typing import NamedTuple

import numpy as np

from genzoo.types import Array

# Starts agree up to here: four standard errors of the difference of two means
# of energies, one of 32 chains, one of a group of which 20 are independent.
_R_HAT = 1.3
# Where chains of another start have so large a share of their neighbours, the
# samples have less than a fifth of the weight that those chains give it.
_SHARE = 0.6
# Starts that had the time to find the shares of modes.
_SETTLED = ("persistent", "annealed")


class Agreement(NamedTuple):
    """What samples and chains from another start say of each other.

    Attributes:
        r_hat: of the energies, the starts taken as chains: the standard
            deviation of all over that within each. 1 where they agree.
        apart: the share of the other chains' nearest neighbours that are
            other chains too, from the share that chance would give, 0, to 1.
            Modes of the same energy are told apart by it.
    """

    r_hat: float
    apart: float

    def holds(self, settled: bool) -> bool:
        """Whether both may be of one distribution.

        Args:
            settled: whether the other chains had the time to find the shares
                of modes. If not they only tell where modes are.
        """
        return self.apart < _SHARE and not (settled and self.r_hat >= _R_HAT)


def compare(
    samples: tuple[Array, Array], others: tuple[Array, Array]
) -> Agreement:
    """The `Agreement` of (rows, energies) with those of another start."""
    (x, energies), (y, other_energies) = samples, others
    groups = [np.asarray(e, np.float64) for e in (energies, other_energies)]
    within = np.mean([group.var(ddof=1) for group in groups])
    between = np.var([group.mean() for group in groups], ddof=1)
    rounding = 1e-10 * (1 + max(np.square(group).max() for group in groups))
    r_hat = np.sqrt(1 + between / (within + rounding))
    return Agreement(float(r_hat), _apart(np.asarray(x), np.asarray(y)))


def _apart(x, y):
    rows = np.concatenate([y, x]).astype(np.float64)
    rows -= rows.mean(axis=0)
    spread = rows.std(axis=0)
    # Columns have their own units of measurement.
    rows /= np.where(spread > 0, spread, 1)
    square = np.sum(rows**2, axis=1)
    own = rows[: len(y)]
    distance = square[: len(y), None] + square - 2 * own @ rows.T
    np.fill_diagonal(distance, np.inf)
    nearest = distance.min(axis=1, keepdims=True)
    # Equal states are equally near.
    is_near = distance <= nearest + 1e-6 * (1 + np.abs(nearest))
    share = is_near[:, : len(y)].sum(axis=1) / is_near.sum(axis=1)
    chance = (len(y) - 1) / (len(rows) - 1)
    return float((share.mean() - chance) / (1 - chance))


def warn_of_disagreement(
    where: str,
    samples: tuple[Array, Array],
    others: dict[str, tuple[Array, Array]],
    steps: int,
) -> None:
    """One warning, if chains from another start stay elsewhere.

    Args:
        where: who asks, for the message.
        samples: (rows, energies) of samples.
        others: those of chains, by the name of their start.
        steps: sweeps that samples were given.
    """
    found = {
        name: compare(samples, each)
        for name, each in others.items()
        if len(each[0])
    }
    bad = {
        name: each
        for name, each in found.items()
        if not each.holds(settled=name in _SETTLED)
    }
    if not bad:
        return
    said = ", ".join(
        f"those that begin at {name} states (R-hat of energies "
        f"{each.r_hat:.2f}, apart {each.apart:.2f})"
        for name, each in bad.items()
    )
    warnings.warn(
        f"{where}: the chains do not forget in {steps} sweeps where they "
        f"begin: the samples disagree with {said}; "
        "both numbers would be near 1 and 0. Modes of the model may be "
        f"missing, or have wrong shares. Take more steps, as "
        f"steps={10 * steps}, and compare energy(x) of samples from several "
        "starts, start='chains' or examples x; or take method='exact' where "
        "the model has a sum.",
        stacklevel=4,
    )
