"""What every feature provides, and several features as one."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Self

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.checks import Arguments
from genzoo.spaces import Space

NO_SITES = np.zeros(0, np.int64)
NO_PAIRS = np.zeros((0, 2), np.int64)


class Quadratic(NamedTuple):
    """Features that are parts of `sum b_i phi_i + sum J_ij phi_i phi_j`.

    phi is the state itself, or, with `values`, the d indicators of all but
    the last value at each site.

    Attributes:
        sites: positions in phi of the linear parts, an int array.
        site_features: which feature each belongs to.
        pairs: positions (i, j) of the bilinear parts, an int array (m, 2).
        pair_features: which feature each belongs to.
        values: the values that a site takes, or None where phi = x.
        edges: pairs of sites all of whose d * d products are features, an
            int array (edges, 2): few numbers where products are many.
        edge_features: the first feature of each, the others follow it, those
            of the first site's first indicator before the next.
        complete: whether phi has the last value's indicator too, d = q.

    Example:
    >>> spins = genzoo.spaces.Spin(3)
    >>> form = genzoo.features.Pairwise().quadratic(spins)
    >>> form.pairs.tolist()
    [[0, 1], [0, 2], [1, 2]]
    """

    sites: np.ndarray
    site_features: np.ndarray
    pairs: np.ndarray
    pair_features: np.ndarray
    values: tuple | None = None
    edges: np.ndarray = NO_PAIRS
    edge_features: np.ndarray = NO_SITES
    complete: bool = False

    @property
    def codes(self) -> int:
        """How many numbers of phi a site has, d."""
        if self.values is None:
            return 1
        return len(self.values) - (not self.complete)

    def completed(self) -> Self:
        """The same of a phi that has the last value's indicator too."""
        if self.complete or self.values is None:
            return self
        form, d = self.expanded(), self.codes
        return form._replace(
            sites=form.sites + form.sites // d,
            pairs=form.pairs + form.pairs // d,
            complete=True,
        )

    def expanded(self) -> Self:
        """The same with all products among `pairs`."""
        a, b = np.divmod(np.arange(self.codes**2), self.codes)
        first = self.edges[:, :1] * self.codes + a
        second = self.edges[:, 1:] * self.codes + b
        owners = self.edge_features[:, None] + np.arange(self.codes**2)
        pairs = np.stack([first.ravel(), second.ravel()], axis=1)
        return self._replace(
            pairs=np.concatenate([self.pairs, pairs]),
            pair_features=np.concatenate([self.pair_features, owners.ravel()]),
            edges=NO_PAIRS,
            edge_features=NO_SITES,
        )

    def site_pairs(self) -> np.ndarray:
        """The pairs of sites that interact, each once, (m, 2)."""
        found = np.concatenate([self.pairs // self.codes, self.edges])
        return np.unique(found, axis=0)


class OneSite(NamedTuple):
    """Features that are sums of functions of one site each.

    Attributes:
        function: from examples to all these functions, (batch, functions).
        sites: the site that each depends on, an int array.
        owners: the feature that each is a part of, an int array.

    Example:
    >>> total = genzoo.features.Moments(1, tied=True)
    >>> parts = total.one_site(genzoo.spaces.Binary(3))
    >>> parts.sites.tolist(), parts.owners.tolist()
    ([0, 1, 2], [0, 0, 0])
    """

    function: Callable
    sites: np.ndarray
    owners: np.ndarray


class Feature:
    """One or more functions f_i(x), whose averages are constrained.

    Example:
    >>> class Changes(genzoo.features.Feature):
    ...     def names(self, space):
    ...         return ["changes"]
    ...
    ...     def __call__(self, x):
    ...         changed = tf.cast(x[:, 1:] != x[:, :-1], x.dtype)
    ...         return tf.reduce_sum(changed, axis=1, keepdims=True)
    >>> row = genzoo.MaxEnt(genzoo.spaces.Binary(8), Changes())
    >>> row.compile()
    >>> history = row.fit(observations=[2.0], verbose=0)
    """

    arguments: ClassVar[Arguments] = {}

    # The Keras layer that a feature is, whose weights are then saved with it.
    layer: keras.layers.Layer | None = None

    @property
    def breaks(self) -> tuple[float, ...]:
        """Numbers at which a function of a continuous site may jump."""
        return ()

    @property
    def nodes(self) -> int | None:
        """Nodes of a continuous site that sums need; None for no more."""
        return None

    def on(self, space: Space) -> "Feature":
        """The feature where it needs to know the space; else itself.

        Raises:
            ValueError: if the feature does not apply to the space.
        """
        return self

    def count(self, space: Space) -> int:
        """How many functions there are, without a list of them.

        Raises:
            ValueError: if the feature does not apply to the space.
        """
        return len(self.names(space))

    def names(self, space: Space) -> list[str]:
        """A name for each function, a list.

        Raises:
            ValueError: if the feature does not apply to the space.
        """
        raise NotImplementedError

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """f(x), shape (batch, n), for examples (batch, *event_shape)."""
        raise NotImplementedError

    def quadratic(self, space: Space) -> Quadratic | None:
        """The `Quadratic` form that the functions are, or None."""
        return None

    def one_site(self, space: Space) -> OneSite | None:
        """The functions of one site each that these are sums of, or None."""
        return None

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A feature from `get_config`."""
        return cls(**config)


def flat(x: tf.Tensor) -> tf.Tensor:
    """Examples (batch, *event_shape) as states (batch, width)."""
    return ops.reshape(x, (ops.shape(x)[0], int(np.prod(x.shape[1:]))))
