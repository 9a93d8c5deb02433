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
# Of so many nearest neighbours all are other chains where the samples miss a
# mode.
_NEIGHBOURS, _LONE = 3, 0.15
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
        lone: the share of the other chains whose three nearest neighbours are
            all other chains, beyond that by chance: they are in a mode that
            samples miss.
    """

    r_hat: float
    apart: float
    lone: float

    def holds(self, settled: bool) -> bool:
        """Whether both may be of one distribution.

        Args:
            settled: whether the other chains had the time to find the shares
                of modes. If not they only tell where modes are.
        """
        misses = self.r_hat >= _R_HAT or self.lone >= _LONE
        return self.apart < _SHARE and not (settled and misses)


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
    return Agreement(float(r_hat), *_apart(np.asarray(x), np.asarray(y)))


def _apart(x, y):
    """(`apart`, `lone`) of rows y beside x."""
    rows = np.concatenate([y, x]).astype(np.float64)
    rows -= rows.mean(axis=0)
    spread = rows.std(axis=0)
    # Columns have their own units of measurement.
    rows /= np.where(spread > 0, spread, 1)
    square = np.sum(rows**2, axis=1)
    distance = square[: len(y), None] + square - 2 * rows[: len(y)] @ rows.T
    np.fill_diagonal(distance, np.inf)
    own = np.arange(len(rows)) < len(y)
    share = _of_own(distance, own, 1)
    chance = (len(y) - 1) / (len(rows) - 1)
    apart = (share.mean() - chance) / (1 - chance)
    lone = np.mean(_of_own(distance, own, _NEIGHBOURS) == 1)
    by_chance = chance**_NEIGHBOURS
    lone = (lone - by_chance) / (1 - by_chance)
    return float(apart), float(lone)


def _of_own(distance, is_own, count):
    """The share of own ones among so many nearest, and all as near."""
    last = np.sort(distance, axis=1)[:, count - 1 : count]
    # Equal states are equally near.
    is_near = distance <= last + 1e-6 * (1 + np.abs(last))
    return is_near[:, is_own].sum(axis=1) / is_near.sum(axis=1)


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
        f"{each.r_hat:.2f}, apart {each.apart:.2f}, lone {each.lone:.2f})"
        for name, each in bad.items()
    )
    warnings.warn(
        f"{where}: the chains do not forget in {steps} sweeps where they "
        f"begin: the samples disagree with {said}; "
        "the numbers would be near 1, 0 and 0. Modes of the model may be "
        f"missing, or have wrong shares. Take more steps, as "
        f"steps={10 * steps}, and compare energy(x) of samples from several "
        "starts, start='chains' or examples x; or take method='exact' where "
        "the model has a sum.",
        stacklevel=4,
    )
