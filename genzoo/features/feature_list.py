"""Several features as one."""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.features.feature import Feature, OneSite, Quadratic
from genzoo.features.function import Function
from genzoo.spaces import Space


def get(identifier: Any) -> Feature:
    """A `Feature` from itself, its configuration, or any callable.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, Feature):
        return identifier
    if callable(identifier):
        return Function(identifier)
    raise ValueError(
        "features must be genzoo.features, functions of x, or Keras layers; "
        f"received {identifier!r}."
    )


class FeatureList:
    """Several features side by side, on one space.

    Args:
        space: a `genzoo.spaces.Space`.
        features: a feature, or a list of them; see `get`.

    Raises:
        ValueError: if there are none, or one does not apply to the space.

    Example:
    >>> features = genzoo.features.FeatureList(
    ...     genzoo.spaces.Spin(3),
    ...     [genzoo.features.Moments(1, tied=True), genzoo.features.Pairwise()],
    ... )
    >>> features.names
    ['sum x', 'x_0 x_1', 'x_0 x_2', 'x_1 x_2']
    >>> features(tf.constant([[1.0, -1.0, 1.0]])).numpy().tolist()
    [[1.0, -1.0, 1.0, -1.0]]
    """

    def __init__(self, space: Space, features: Any):
        if not isinstance(features, (list, tuple)):
            features = [features]
        if not features:
            raise ValueError(
                "features is empty; pass at least one, for example "
                "genzoo.features.Moments(1)."
            )
        self.space = space
        self.parts = [get(feature).on(space) for feature in features]
        self.counts = [feature.count(space) for feature in self.parts]

    def __len__(self) -> int:
        return sum(self.counts)

    @functools.cached_property
    def names(self) -> list[str]:
        """Of all functions, each once; there may be millions."""
        names = [feature.names(self.space) for feature in self.parts]
        return _distinct([name for part in names for name in part])

    def __call__(self, states: tf.Tensor) -> tf.Tensor:
        """f(x), (batch, n), for states (batch, width), in their dtype."""
        x = self.space.unflatten(states)
        values = []
        for feature, count in zip(self.parts, self.counts, strict=True):
            value = ops.cast(feature(x), states.dtype)
            values.append(ops.reshape(value, (-1, count)))
        return values[0] if len(values) == 1 else ops.concatenate(values, 1)

    @property
    def breaks(self) -> list[float]:
        """Where functions of continuous sites may jump."""
        return sorted({b for feature in self.parts for b in feature.breaks})

    @property
    def nodes(self) -> int | None:
        """Nodes of a continuous site that sums need; None for no more."""
        asked = [part.nodes for part in self.parts if part.nodes]
        return max(asked, default=None)

    def quadratic(self) -> Quadratic | None:
        """The `Quadratic` form that all of them together are, or None."""
        if not self.space.is_discrete:
            return None
        given = [feature.quadratic(self.space) for feature in self.parts]
        forms = [form for form in given if form is not None]
        values = {form.values for form in forms}
        if len(forms) < len(given) or len(values) > 1:
            return None
        complete = any(form.complete for form in forms)
        if complete:
            forms = [form.completed() for form in forms]
        first = np.cumsum([0, *self.counts])
        numbered = [
            form._replace(
                site_features=form.site_features + start,
                pair_features=form.pair_features + start,
                edge_features=form.edge_features + start,
            )
            for form, start in zip(forms, first, strict=False)
        ]
        joined = {
            name: np.concatenate([getattr(form, name) for form in numbered])
            for name in Quadratic._fields
            if name not in ("values", "complete")
        }
        return Quadratic(values=forms[0].values, complete=complete, **joined)

    def one_site(self) -> OneSite | None:
        """The functions of one site each that all are sums of, or None."""
        found = []
        for feature in self.parts:
            parts = feature.one_site(self.space)
            if parts is None:
                return None
            found.append(parts)
        first = np.cumsum([0, *self.counts])
        owners = [p.owners + k for p, k in zip(found, first, strict=False)]

        def every(x):
            values = [ops.cast(p.function(x), x.dtype) for p in found]
            return ops.concatenate(values, axis=1)

        return OneSite(
            every,
            np.concatenate([p.sites for p in found]),
            np.concatenate(owners),
        )

    def serialize(self) -> list[dict[str, Any]]:
        """Their configurations, a list.

        Raises:
            ValueError: for a function that Keras does not know by name.
        """
        serialize = keras.saving.serialize_keras_object
        return [serialize(feature) for feature in self.parts]


def _distinct(names):
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        again = seen[name] > 1
        result.append(f"{name} ({seen[name]})" if again else name)
    return result
