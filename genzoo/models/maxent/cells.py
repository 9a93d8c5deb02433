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

        Nor where two levels never meet and no penalty holds their coupling:
        a bold search would run far towards its infinite optimum.
        """
        if density.form.codes > 1 or not density.layout.is_complete:
            return None
        size = len(density.encoding)
        sites = np.arange(len(self.counts)) // size
        seen = np.diag(self.counts) > 0
        never = (self.counts == 0) & seen & seen[:, None]
        if not penalised and (never & (sites != sites[:, None])).any():
            return None
        mean, product = self._of_codes(density.encoding)
        np.fill_diagonal(product, self._of_codes(density.encoding**2)[0])
        return whitened(mean, product - np.outer(mean, mean), self.rows)

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
        self, where: str, density: Density, penalised: bool
    ) -> None:
        """Name levels and pairs that no example has: they have no optimum.

        Args:
            where: who asks, for the message.
            density: whose fields and couplings are sought.
            penalised: whether couplings are held down, so that theirs have.
        """
        levels = _levels(density)
        size = len(levels)
        if not density.layout.is_direct:
            return
        unseen = np.diag(self.counts) == 0
        empty = []
        names = density.space.site_names
        for k in np.flatnonzero(unseen):
            empty.append(f"{names[k // size]} = {levels[k % size]:g}")
        if not penalised:
            edges = density.form.site_pairs()
            table = (self.counts == 0) & ~unseen[:, None] & ~unseen
            table = table.reshape(len(names), size, len(names), size)
            found = table[edges[:, 0], :, edges[:, 1], :]
            for edge, a, b in np.argwhere(found):
                i, j = edges[edge]
                one = f"{names[i]} = {levels[a]:g}"
                empty.append(f"{one} with {names[j]} = {levels[b]:g}")
        if not empty:
            return
        told = ", ".join(empty[:_MOST_NAMED])
        more = len(empty) - _MOST_NAMED
        told += f" and {more} more" if more > 0 else ""
        warnings.warn(
            f"{where}: no example has {told}. The best field or coupling is "
            "infinite, and stays where the model expects next to none. Take "
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
