"""Where multipliers stand in the fields and couplings of a pairwise energy."""

import functools

import numpy as np
import tensorflow as tf

from genzoo.features.feature import Quadratic

# Fewer are constants of each graph, which converters to other formats need.
_MANY = 2**16


class Layout:
    """From multipliers to fields and couplings, and back.

    With all levels of all pairs of 200 sites there are eight million
    multipliers: an edge's are moved together, as a block.

    Args:
        form: which multiplier each field and coupling is.
        sites: how many there are.
        count: how many multipliers.

    Example:
    >>> form = genzoo.features.Pairwise().quadratic(genzoo.spaces.Spin(3))
    >>> layout = genzoo.models.maxent.layout.Layout(form, 3, 3)
    >>> bias, coupling = layout.matrices(tf.constant([1.0, 2.0, 3.0]))
    >>> coupling.numpy().tolist()
    [[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]]
    >>> layout.features(bias, coupling).numpy().tolist()
    [1.0, 2.0, 3.0]
    """

    def __init__(self, form: Quadratic, sites: int, count: int):
        self.form = form
        self.sites = sites
        self.codes = form.codes
        self.count = count
        self.size = sites * self.codes

    @functools.cached_property
    def _held(self):
        """Index arrays; of many, tensors that all graphs share."""
        form = self.form
        owners = form.edge_features[:, None] + np.arange(self.codes**2)
        numbers = {
            "sites": form.sites,
            "site_features": form.site_features,
            "pairs": form.pairs,
            "pair_features": form.pair_features,
            "edges": form.edges,
            "owners": owners if self._first_of_edges is None else owners[:0],
        }
        numbers = {k: v.astype(np.int32) for k, v in numbers.items()}
        if sum(v.size for v in numbers.values()) < _MANY:
            return numbers
        with tf.init_scope():
            return {k: tf.constant(v) for k, v in numbers.items()}

    @functools.cached_property
    def _first_of_edges(self):
        """Where the multipliers of edges begin, if they lie side by side."""
        owned = self.form.edge_features
        step = np.arange(len(owned)) * self.codes**2
        together = len(owned) and np.array_equal(owned, owned[0] + step)
        return int(owned[0]) if together else None

    @functools.cached_property
    def is_direct(self) -> bool:
        """Whether each field and coupling has a multiplier of its own.

        And each of phi a field.
        """
        form = self.form
        owners = np.concatenate([form.site_features, form.pair_features])
        if len(np.unique(owners)) < len(owners):
            return False
        return len(form.sites) == self.size

    @functools.cached_property
    def is_complete(self) -> bool:
        """Whether each pair of numbers of phi at two sites has a coupling."""
        pairs = self.sites * (self.sites - 1) // 2
        return self.is_direct and len(self.form.site_pairs()) == pairs

    @functools.cached_property
    def is_coupling(self) -> np.ndarray:
        """Which multipliers are of couplings, bool (count,)."""
        found = np.zeros(self.count, bool)
        found[self.form.pair_features] = True
        for first in self.form.edge_features:
            found[first : first + self.codes**2] = True
        return found

    def matrices(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """(fields (size,), couplings (size, size), symmetric)."""
        held = self._held
        own = tf.gather(x, held["site_features"])
        bias = tf.scatter_nd(held["sites"][:, None], own, (self.size,))
        half = self._placed(x)
        return bias, half + tf.transpose(half)

    def _placed(self, x):
        if not len(self.form.edges):
            return self._of_pairs(x)
        if not len(self.form.pairs):
            return self._of_edges(x)
        return self._of_pairs(x) + self._of_edges(x)

    def _of_pairs(self, x):
        values = tf.gather(x, self._held["pair_features"])
        return tf.scatter_nd(self._held["pairs"], values, (self.size,) * 2)

    def blocks(self, x: tf.Tensor) -> tf.Tensor:
        """The multipliers of the form's edges, (edges, d, d)."""
        d, first = self.codes, self._first_of_edges
        if first is None:
            blocks = tf.gather(x, self._held["owners"])
        else:
            blocks = x[first : first + len(self.form.edges) * d * d]
        return tf.reshape(blocks, (-1, d, d))

    def of_blocks(self, blocks: tf.Tensor) -> tf.Tensor:
        """What belongs to each multiplier of edges, (count,)."""
        first = self._first_of_edges
        if first is None:
            return _added(blocks, self._held["owners"], self.count)
        values = tf.reshape(blocks, (-1,))
        after = self.count - first - len(self.form.edges) * self.codes**2
        return tf.pad(values, [[first, after]])

    def _of_edges(self, x):
        n, d = self.sites, self.codes
        edges, blocks = self._held["edges"], self.blocks(x)
        placed = tf.scatter_nd(edges, blocks, (n, n, d, d))
        placed = tf.transpose(placed, (0, 2, 1, 3))
        return tf.reshape(placed, (self.size, self.size))

    def features(self, single: tf.Tensor, product: tf.Tensor) -> tf.Tensor:
        """What belongs to each multiplier, added up, (count,).

        Args:
            single: a number for each field, (size,).
            product: a number for each pair of phi, (size, size).
        """
        held, n, d = self._held, self.sites, self.codes
        total = _added(
            tf.gather(single, held["sites"]), held["site_features"], self.count
        )
        if len(self.form.pairs):
            values = tf.gather_nd(product, held["pairs"])
            total += _added(values, held["pair_features"], self.count)
        if not len(self.form.edges):
            return total
        blocks = tf.transpose(tf.reshape(product, (n, d, n, d)), (0, 2, 1, 3))
        return total + self.of_blocks(tf.gather_nd(blocks, held["edges"]))


def _added(values, owners, count):
    values, owners = tf.reshape(values, (-1,)), tf.reshape(owners, (-1,))
    return tf.math.unsorted_segment_sum(values, owners, count)
