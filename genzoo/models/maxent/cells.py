"""How often the levels of two sites come together in examples."""

import warnings
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from genzoo.models.maxent.density import Density
from genzoo.models.maxent.pairwise_losses import Whitened, whitened
from genzoo.runtime import data
from genzoo.types import Array

# Elements of the one-hot rows that are held at once.
_ELEMENTS = 2**22
_MOST_NAMED = 5
# Numbers of phi of many levels whose dependence is looked for.
_MOST_CODES = 500
# Of sums over examples in float64.
_ROUNDING = 1e-12


class Cells(NamedTuple):
    """Counts of the levels of sites, and of pairs of them.

    Attributes:
        counts: weight of the rows in which two sites have two levels, (n * q,
            n * q); on the diagonal of those in which a site has a level.
        total: weight of all rows.
        rows: how many independent ones there are.
    """

    counts: Array
    total: float
    rows: float

    def averages(self, density: Density) -> Array:
        """Those of the features of a pairwise form, (features,)."""
        mean, product = self._of_codes(density.encoding)
        return density.layout.features(mean, product).numpy()

    def _of_codes(self, codes):
        """Averages of phi, (n * d,), and of its products, (n * d, n * d)."""
        q, d = codes.shape
        n = len(self.counts) // q
        single = np.diag(self.counts).reshape(n, q) @ codes
        both = self.counts.reshape(n, q, n, q)
        if np.array_equal(codes, np.eye(q)[:, :d]):
            pairs = both[:, :d, :, :d]
        else:
            ends = "iajb,ak,bl->ikjl", both, codes, codes
            pairs = np.einsum(*ends, optimize=True)
        pairs = pairs.reshape(n * d, n * d) / self.total
        return single.ravel() / self.total, pairs

    def whitened(self, density: Density, penalised: bool) -> Whitened | None:
        """What is known of all pairs of two-valued sites; None of others.

        Nor where the optimum may be infinite and no penalty holds couplings:
        a bold search would run far towards it.
        """
        if density.form.codes > 1 or not density.layout.is_complete:
            return None
        if not penalised and (
            len(self._never_meet(density)) or self.depend(density)
        ):
            return None
        mean, covariance = self._covariance(density)
        return whitened(mean, covariance, self.rows, np.ptp(density.encoding))

    def _covariance(self, density):
        """(mean, covariance) of phi."""
        mean, product = self._of_codes(density.encoding)
        q, d = density.encoding.shape
        single = np.diag(self.counts).reshape(-1, q) / self.total
        own = np.einsum(
            "ia,ak,al->ikl", single, density.encoding, density.encoding
        )
        for site, block in enumerate(own):
            part = slice(site * d, (site + 1) * d)
            product[part, part] = block
        return mean, product - np.outer(mean, mean)

    def depend(self, density: Density) -> bool:
        """Whether a sum over sites is the same number in all examples.

        Then the best couplings of all pairs are infinite, those of minus its
        squared distance from that number. Not looked for where there are too
        many levels, or pairs without a coupling.
        """
        layout = density.layout
        wide = layout.codes > 1 and layout.size > _MOST_CODES
        if wide or not layout.is_complete:
            return False
        _, covariance = self._covariance(density)
        variance = np.diag(covariance)
        changes = variance > _ROUNDING * (variance.max(initial=0.0) or 1.0)
        root = np.sqrt(variance[changes])
        inner = covariance[np.ix_(changes, changes)] / np.outer(root, root)
        try:
            # Quicker than eigenvalues.
            inner -= _ROUNDING * len(root) * np.eye(len(root))
            np.linalg.cholesky(inner)
        except np.linalg.LinAlgError:
            return True
        return False

    def _never_meet(self, density):
        """[(edge, a, b)]: levels of joined sites, seen, but not together."""
        q = len(density.encoding)
        n = len(self.counts) // q
        seen = np.diag(self.counts) > 0
        table = (self.counts == 0) & seen[:, None] & seen
        edges = density.form.site_pairs()
        table = table.reshape(n, q, n, q)
        return np.argwhere(table[edges[:, 0], :, edges[:, 1], :])

    def least_l2(self, density: Density) -> float:
        """The l2 of couplings that have no finite optimum, 0 if all have.

        One example among all: changes of energy by one nat count as half a
        nat in one example, in bits; in other numbers for two levels as much.
        """
        if not density.layout.is_direct:
            return 0.0
        if not len(self._never_meet(density)) and not self.depend(density):
            return 0.0
        ends = density.encoding
        return float((ends.max() - ends.min()) ** 4 / self.rows)

    def noise(self, density: Density) -> Array:
        """Standard errors of the averages of a pairwise form, (features,).

        Each from its own rate; of one that never changes, as if half a row
        were another. Parts of a feature count as independent.
        """
        mean, product = self._of_codes(density.encoding)
        square, squares = self._of_codes(density.encoding**2)
        squares -= product**2
        variance = density.layout.features(square - mean**2, squares).numpy()
        return np.sqrt(np.maximum(variance, 0.5 / self.rows) / self.rows)

    def warn_of_empty(
        self,
        where: str,
        density: Density,
        penalised: bool,
        least: float = 0.0,
    ) -> None:
        """Name levels and pairs that no example has: they have no optimum.

        Args:
            where: who asks, for the message.
            density: whose fields and couplings are sought.
            penalised: whether couplings are held down, so that theirs have.
            least: the l2 that holds them although none was asked for.
        """
        levels = _levels(density)
        size = len(levels)
        if not density.layout.is_direct:
            return
        unseen = np.diag(self.counts) == 0
        empty, more = [], 0
        names = density.space.site_names
        for k in np.flatnonzero(unseen):
            empty.append(f"{names[k // size]} = {levels[k % size]:g}")
        if not penalised:
            edges = density.form.site_pairs()
            never = self._never_meet(density)
            more = max(len(never) - _MOST_NAMED, 0)
            for edge, a, b in never[:_MOST_NAMED]:
                i, j = edges[edge]
                one = f"{names[i]} = {levels[a]:g}"
                empty.append(f"{one} with {names[j]} = {levels[b]:g}")
        depends = bool(least) or (not penalised and self.depend(density))
        if not empty and not depends:
            return
        told = ", ".join(empty[:_MOST_NAMED])
        more += max(len(empty) - _MOST_NAMED, 0)
        told += f" and {more} more" if more > 0 else ""
        told = (
            f"no example has {told}"
            if empty
            else (
                "a sum over sites is the same in all examples, so that a site "
                "follows from others"
            )
        )
        held = "and stays where the model expects next to none. Take"
        if least:
            held = (
                f"so couplings are held by l2={least:.2g}, as by one example "
                "more; l2=0 holds nothing. How often such sites change "
                "together the loss does not see, but 'exact_likelihood' and "
                "'pcd' do: compare averages. Take"
            )
        warnings.warn(
            f"{where}: {told}. The best field or coupling is infinite, {held} "
            "more examples, leave the pair out of edges, or pass l2 to the "
            "loss.",
            stacklevel=2,
        )


def _levels(density):
    """Those of every site, (q,)."""
    return np.asarray(density.space.levels[0], np.float64)


def cells_of(density: Density, x: Any, weight: Array | None = None) -> Cells:
    """The `Cells` of examples, an array, of a pairwise density."""
    count = data.Count()
    count.add(weight, len(x))
    levels = _levels(density)
    sites = density.space.width
    size = sites * len(levels)
    total = np.zeros((size, size))
    rows = max(_ELEMENTS // size, 1)
    for start in range(0, len(x), rows):
        part = tf.convert_to_tensor(x[start : start + rows])
        part = density.space.flatten(part)
        part = tf.cast(part, tf.float32)[..., None]
        match = part == tf.cast(levels, tf.float32)
        # Sums of so few ones are exact in float32.
        hot = tf.reshape(tf.cast(match, tf.float32), (len(part), size))
        if weight is None:
            total += tf.matmul(hot, hot, transpose_a=True).numpy()
        else:
            wide, own = hot.numpy(), weight[start : start + rows]
            total += wide.T @ (own[:, None] * wide)
    return Cells(total, count.total, count.examples)
