"""Sites as a network wants to see them."""

from typing import Any

import keras
import numpy as np
from keras import ops

from genzoo.spaces import Space
from genzoo.spaces.space import get


@keras.saving.register_keras_serializable("genzoo")
class SiteEncoding(keras.layers.Layer):
    """Examples as vectors: categories as indicators, angles as cos and sin.

    A site of three or more levels becomes as many numbers, of which one is 1;
    a periodic site of angle a, in units of its period, becomes (cos a, sin a);
    all others stay as they are.

    Args:
        space: the `genzoo.spaces.Space` of the examples.

    Raises:
        ValueError: if `space` is no space.

    Example:
    >>> space = genzoo.spaces.Categorical([0, 1, 2], 2)
    >>> layer = genzoo.layers.SiteEncoding(space)
    >>> layer(np.array([[0, 2]])).numpy().tolist()
    [[1.0, 0.0, 0.0, 0.0, 0.0, 1.0]]
    """

    def __init__(self, space: Space, **kwargs):
        super().__init__(**kwargs)
        self.space = get(space)
        sizes = np.array(
            [0 if v is None else len(v) for v in self.space.levels]
        )
        many, periodic = sizes > 2, self.space.periodic
        self._plain = np.flatnonzero(~many & ~periodic)
        self._angles = np.flatnonzero(periodic)
        self._groups = [
            np.flatnonzero(sizes == size) for size in sorted(set(sizes[many]))
        ]
        self._length = len(self._plain) + 2 * len(self._angles)
        self._length += int(sizes[many].sum())
        self.built = True

    def call(self, x: Any) -> Any:
        """Vectors (batch, length) of examples (batch, *event_shape)."""
        rows = ops.reshape(x, (-1, self.space.width))
        rows = ops.cast(rows, self.compute_dtype)
        if len(self._plain) == self.space.width:
            return rows
        parts = []
        if len(self._plain):
            parts.append(ops.take(rows, self._plain, axis=1))
        if len(self._angles):
            span = self.space.high - self.space.low
            turn = (2 * np.pi / span[self._angles]).astype("float32")
            angle = ops.take(rows, self._angles, axis=1) * turn
            parts += [ops.cos(angle), ops.sin(angle)]
        for sites in self._groups:
            levels = np.array([self.space.levels[i] for i in sites], "float32")
            # Not equality: a compiler may round what comes before.
            room = np.diff(np.sort(levels)).min(axis=1) / 2
            own = ops.expand_dims(ops.take(rows, sites, axis=1), -1)
            is_level = ops.abs(own - levels) < room[:, None]
            is_level = ops.cast(is_level, rows.dtype)
            parts.append(ops.reshape(is_level, (-1, levels.size)))
        return ops.concatenate(parts, axis=1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """(batch, length)."""
        return (input_shape[0], self._length)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "space": keras.saving.serialize_keras_object(self.space),
        }
