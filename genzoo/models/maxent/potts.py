"""Fields and couplings of all levels, and what is read off them."""

from typing import NamedTuple, Self

import numpy as np

from genzoo import checks
from genzoo.types import Array, ArrayLike


class Potts(NamedTuple):
    """`E(x) = -sum_i h_i(x_i) - sum_(i<j) J_ij(x_i, x_j)`, all levels written.

    Many fields and couplings have the same energy but for a constant: a gauge
    is a choice among them.

    Attributes:
        fields: h, (n, q).
        couplings: J, (n, q, n, q), symmetric, zero from a site to itself.
        levels: the values that a site takes, (q,).

    Example:
    >>> sites = genzoo.spaces.Categorical([0, 1, 2], 4)
    >>> machine = genzoo.BoltzmannMachine(sites)
    >>> machine.set_parameters(fields=np.ones((4, 2)))
    >>> potts = machine.potts().zero_sum()
    >>> potts.fields[0].round(3).tolist()
    [0.333, 0.333, -0.667]
    >>> potts.scores().shape
    (4, 4)
    """

    fields: Array
    couplings: Array
    levels: Array

    # Gauges ----------------------------------------------------------------

    def zero_sum(self) -> Self:
        """The gauge in which h and J add up to zero over each site's levels.

        Of all gauges the one with the least `sum J^2`: what a coupling says
        beyond fields.
        """
        couplings = self.couplings
        by_first = couplings.mean(axis=3)
        both = couplings.mean(axis=(1, 3))
        fields = self.fields + by_first.sum(axis=2)
        fields -= fields.mean(axis=1, keepdims=True)
        couplings = couplings - by_first[..., None]
        couplings -= by_first.transpose(2, 0, 1)[:, None]
        couplings += both[:, None, :, None]
        return self._replace(fields=fields, couplings=couplings)

    def lattice_gas(self, level: int = -1) -> Self:
        """The gauge in which h and J of one level are zero.

        Args:
            level: its number, by default the last.

        Raises:
            ValueError: if there is no such level.
        """
        q = len(self.levels)
        checks.whole(-q, q - 1)(level, "Potts.lattice_gas: level")
        at = self.couplings[:, :, :, level]
        fields = self.fields + at.sum(axis=2)
        fields -= fields[:, level, None]
        corner = at[:, level]
        couplings = self.couplings - at[..., None]
        couplings -= at.transpose(2, 0, 1)[:, None]
        couplings += corner[:, None, :, None]
        return self._replace(fields=fields, couplings=couplings)

    # What is read off ------------------------------------------------------

    def energy(self, x: ArrayLike) -> Array:
        """E of examples (rows, n) in nats, (rows,).

        Equal in all gauges but for a constant.

        Raises:
            ValueError: for values that are no level.
        """
        numbers = self._numbers("energy", x)
        sites = np.arange(len(self.fields))
        energy = np.empty(len(numbers))
        for row, own in enumerate(numbers):
            pairs = self.couplings[sites, own][:, sites, own]
            energy[row] = -self.fields[sites, own].sum() - 0.5 * pairs.sum()
        return energy

    def mutations(self, x: ArrayLike) -> Array:
        """log p of one example with one site changed, less its own, (n, q).

        In nats: what is above zero is more probable than x.

        Args:
            x: one example, (n,).

        Raises:
            ValueError: for values that are no level.
        """
        numbers = self._numbers("mutations", np.ravel(np.asarray(x))[None])[0]
        sites = np.arange(len(self.fields))
        field = self.fields + self.couplings[:, :, sites, numbers].sum(axis=2)
        return field - field[sites, numbers][:, None]

    def _numbers(self, method, x):
        x = np.asarray(x)
        n = len(self.fields)
        x = x.reshape(len(x), -1) if x.ndim > 1 else x
        if x.ndim != 2 or x.shape[1] != n:
            raise ValueError(
                f"Potts.{method}: x must have {n} sites; received shape "
                f"{x.shape}."
            )
        # Examples are float32, in which a level such as 0.1 is another.
        levels = np.asarray(self.levels, np.float32)
        match = x.astype(np.float32)[..., None] == levels
        if not match.any(axis=-1).all():
            strange = x[~match.any(axis=-1)][0]
            raise ValueError(
                f"Potts.{method}: {strange:g} is none of the levels "
                f"{self.levels[:6].tolist()}."
            )
        return match.argmax(axis=-1)

    def scores(
        self, corrected: bool = True, without: int | None = None
    ) -> Array:
        """How strongly sites interact: Frobenius norms of J_ij, (n, n).

        In the zero-sum gauge. Corrected by their average products,
        `S_ij - S_i. S_.j / S_..`, which takes away what a site shares with
        all others, such as its entropy: the scores that contacts of proteins
        are found by.

        Args:
            corrected: whether to correct.
            without: the number of a level that is left out of the norm, such
                as that of a gap (-1 if it is the last).

        Returns:
            A symmetric array, zero on its diagonal.

        Raises:
            ValueError: if there is no such level.

        Reference:
            Ekeberg et al., "Improved contact prediction in proteins: using
            pseudolikelihoods to infer Potts models", Physical Review E 87,
            2013. Dunn, Wahl and Gloor, "Mutual information without the
            influence of phylogeny or entropy", Bioinformatics 24, 2008.
        """
        couplings = self.zero_sum().couplings
        if without is not None:
            q = len(self.levels)
            checks.whole(-q, q - 1)(without, "Potts.scores: without")
            couplings = np.delete(couplings, without, axis=1)
            couplings = np.delete(couplings, without, axis=3)
        norm = np.sqrt(np.einsum("iajb,iajb->ij", couplings, couplings))
        np.fill_diagonal(norm, 0.0)
        total = norm.sum()
        if not corrected or not total:
            return norm
        single = norm.sum(axis=1)
        # Of means over the pairs of a site, and over all pairs.
        n = len(norm)
        norm = norm - np.outer(single, single) / total * n / (n - 1)
        np.fill_diagonal(norm, 0.0)
        return norm

    def contacts(
        self,
        count: int | None = None,
        separation: int = 1,
        corrected: bool = True,
        without: int | None = None,
    ) -> Array:
        """The pairs of sites with the greatest `scores`, the best first.

        Args:
            count: of pairs; None takes as many as there are sites.
            separation: least |i - j|: neighbours along a chain touch anyway.
            corrected: see `scores`.
            without: see `scores`.

        Returns:
            An int array (count, 2), i < j.

        Raises:
            ValueError: if `count` or `separation` is no positive int.
        """
        n = len(self.fields)
        count = checks.positive_int(
            n if count is None else count, "Potts.contacts: count"
        )
        separation = checks.positive_int(
            separation, "Potts.contacts: separation"
        )
        pairs = np.stack(np.triu_indices(n, separation), axis=1)
        score = self.scores(corrected, without)[pairs[:, 0], pairs[:, 1]]
        return pairs[np.argsort(-score, kind="stable")[:count]]
