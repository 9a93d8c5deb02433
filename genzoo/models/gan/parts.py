"""Examples of several arrays, as a generator of several outputs gives them.

Inside of a GAN an example is one row of numbers, whatever it is outside: it
is joined where data are checked, and taken apart where networks see it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf
from keras.src.utils.naming import to_snake_case

from genzoo.models.gan import told
from genzoo.runtime import data, distribute
from genzoo.runtime.sparse import SparseRows
from genzoo.runtime.stored import StoredRows
from genzoo.spaces import Space
from genzoo.types import Array

_KINDS = (tuple, list, Mapping)


class Parts(Space):
    """The parts of an example, by name: a space of rows of all their numbers.

    Args:
        spaces: of each part, by its name, in the order of a row.
        is_dict: whether examples are dicts; else they are tuples.

    Attributes:
        spaces: as given.

    Example:
    >>> from keras import layers
    >>> z, image = keras.Input((3,)), keras.Input((4, 4, 1), name="image")
    >>> energy = keras.Input((1,), name="energy")
    >>> made = layers.Dense(16, activation="tanh")(z)
    >>> made = {"image": layers.Reshape((4, 4, 1))(made),
    ...         "energy": layers.Dense(1)(z)}
    >>> seen = layers.Concatenate()([layers.Flatten()(image), energy])
    >>> gan = genzoo.GAN(
    ...     keras.Model(z, made),
    ...     keras.Model([image, energy], layers.Dense(1)(seen)))
    >>> rows = gan.parts.join(gan.sample(5, seed=0))
    >>> rows.shape, gan.parts.split(rows)["image"].shape
    ((5, 17), (5, 4, 4, 1))
    """

    def __init__(self, spaces: dict[str, Space], is_dict: bool):
        low, high = (
            np.concatenate([getattr(space, end) for space in spaces.values()])
            for end in ("low", "high")
        )
        super().__init__(len(low), [None] * len(low), low, high, most=len(low))
        self.spaces = spaces
        self._is_dict = is_dict
        ends = np.cumsum([0, *(space.width for space in spaces.values())])
        self._ends = list(map(int, ends))

    @property
    def description(self) -> str:
        """What each part must hold, in words."""
        each = (f"{k}: {space.description}" for k, space in self.spaces.items())
        return "; ".join(each)

    @property
    def form(self) -> str:
        """What examples are, in words."""
        each = ", ".join(
            f"{name!r} ({', '.join(map(str, ('n', *space.event_shape)))})"
            for name, space in self.spaces.items()
        )
        kind = "a dict" if self._is_dict else "a tuple or a dict"
        return f"{kind} of {len(self.spaces)} arrays, {each}"

    @property
    def is_grid(self) -> bool:
        """Whether a part is an image or a volume: has sides and channels.

        Layers of cells and series beside others are no more than vectors.
        """
        return any(len(space.event_shape) > 2 for space in self.spaces.values())

    def slices(self) -> dict[str, slice]:
        """Where each part is in a row."""
        ends = zip(self._ends, self._ends[1:], strict=False)
        return dict(
            zip(self.spaces, (slice(*two) for two in ends), strict=True)
        )

    def alike(self, make: Callable[[Space], Space]) -> Self:
        """Parts of the same names, of spaces made of these."""
        spaces = {name: make(space) for name, space in self.spaces.items()}
        return type(self)(spaces, self._is_dict)

    def argument_names(self, others: Sequence[str] = ()) -> list[str]:
        """Names of the parts with which a function can be called.

        Args:
            others: names of its other arguments.
        """
        return told.arguments(list(self.spaces), "x", others)

    # Joining and taking apart ----------------------------------------------

    def join(self, x: Any) -> Any:
        """Rows of a tuple or dict of parts; rows stay as they are.

        Args:
            x: arrays or tensors, each of shape (n, *shape of the part).

        Returns:
            (n, width), float32: an array, of tensors a tensor.

        Raises:
            ValueError: for other parts.
        """
        if not isinstance(x, _KINDS):
            return x
        parts = self._picked("join", x)
        if any(tf.is_tensor(part) for part in parts):
            return self.joined_tensors(parts)
        return self._rows_of("join", list(map(np.asarray, parts)))

    def split(self, rows: Any) -> Any:
        """The parts of rows, (..., width): a tuple, or a dict by name.

        Args:
            rows: an array, or a tensor (n, width).

        Raises:
            ValueError: for rows of another width.
        """
        shape = tuple(getattr(rows, "shape", ()))
        if shape[-1:] not in ((self.width,), (None,)):
            raise ValueError(
                f"split: rows must be an array (n, {self.width}), all numbers "
                f"of {self.form}; received shape {shape}."
            )
        found = self.named(rows)
        return found if self._is_dict else tuple(found.values())

    def named(self, rows: Any) -> dict[str, Any]:
        """The parts of rows by name, also where examples are tuples."""
        return dict(zip(self.spaces, self.pieces(rows), strict=True))

    def pieces(self, rows: Any) -> list:
        """The parts of rows, in their order."""
        plain = isinstance(rows, np.ndarray)
        reshape: Any = np.reshape if plain else tf.reshape
        lead = rows.shape[:-1] if plain else (-1,)
        spaces = zip(self.slices().values(), self.spaces.values(), strict=True)
        return [
            reshape(rows[..., place], (*lead, *space.event_shape))
            for place, space in spaces
        ]

    def packed_pieces(self, rows: tf.Tensor, packing: int) -> list[tf.Tensor]:
        """The parts of packs, (packs, packing * width), each packed."""
        if packing == 1:
            return self.pieces(rows)
        alone = tf.reshape(rows, (-1, self.width))
        return [packed(part, packing) for part in self.pieces(alone)]

    def joined_tensors(self, parts: Sequence[tf.Tensor]) -> tf.Tensor:
        """Rows of the parts in their order, float32, (n, width)."""
        widths = (space.width for space in self.spaces.values())
        flat = [
            tf.reshape(tf.cast(part, tf.float32), (-1, width))
            for part, width in zip(parts, widths, strict=True)
        ]
        return tf.concat(flat, axis=1)

    def _rows_of(self, where, parts):
        """Rows of arrays, (n, width)."""
        counts = {
            name: len(part)
            for name, part in zip(self.spaces, parts, strict=True)
        }
        if len(set(counts.values())) > 1:
            each = ", ".join(f"{count} of {k!r}" for k, count in counts.items())
            raise ValueError(
                f"{where}: all parts of x must have as many rows; received "
                f"{each}."
            )
        dtypes = {part.dtype for part in parts}
        rows = np.empty(
            (len(parts[0]), self.width),
            dtypes.pop() if len(dtypes) == 1 else np.float32,
        )
        for place, part in zip(self.slices().values(), parts, strict=True):
            rows[:, place] = part.reshape(len(part), -1)
        return rows

    def _picked(self, where, x):
        """The parts that were given, in order."""
        names = list(self.spaces)
        if isinstance(x, Mapping):
            if set(x) == set(names):
                return [x[name] for name in names]
            lacks = [name for name in names if name not in x]
            extra = [key for key in x if key not in names]
            found = f"a dict without {lacks}" if lacks else "a dict"
            if extra:
                found += f" with {extra}, which the generator does not give"
        elif self._is_dict:
            found = f"a {type(x).__name__} of {len(x)}"
        elif len(x) == len(names):
            return list(x)
        else:
            found = f"{len(x)} of them"
        raise ValueError(f"{where}: x must be {self.form}; received {found}.")

    # Checks, which name the part -------------------------------------------

    def outside(self, x: Array | tf.Tensor) -> tf.Tensor | bool:
        """Whether any part of rows is outside of its space."""
        spaces = zip(self.spaces.values(), self.pieces(x), strict=True)
        wrong = [space.outside(part) for space, part in spaces]
        if isinstance(x, np.ndarray):
            return any(map(bool, wrong))
        return tf.reduce_any(tf.stack(wrong))

    def check(self, where: str, x: Any, wide: bool = False) -> Any:
        """Rows of examples, once each part is known to be in its space.

        Raises:
            ValueError: naming the part that is wrong.
        """
        if isinstance(x, _KINDS):
            parts = self._picked(where, x)
            return self._rows_of(where, self._each(where, parts, wide))
        shape = tuple(getattr(x, "shape", ()))
        if len(shape) != 2 or shape[1] != self.width:
            received = f"shape {shape}" if shape else f"{type(x).__name__}"
            raise ValueError(
                f"{where}: x must be {self.form}, or rows of all their "
                f"numbers, (n, {self.width}); received {received}."
            )
        rows = data.as_rows(x, wide)
        if isinstance(rows, (SparseRows, StoredRows)):
            return super().check(where, rows, wide)
        self._each(where, self.pieces(rows), wide)
        return rows

    def _each(self, where, parts, wide=False):
        return [
            np.asarray(space.check(f"{where}: {name}", part, wide)[:])
            for (name, space), part in zip(
                self.spaces.items(), parts, strict=True
            )
        ]

    def joined(self, where: str, x: Any) -> Any:
        """What users give, with each example as one row.

        Args:
            where: who asks, for messages.
            x: examples, a tuple that begins with them, or a dataset of
                either.

        Raises:
            ValueError: for other parts, or wrong ones.
        """
        if isinstance(x, tf.data.Dataset):
            return self._joined_dataset(where, x)
        if distribute.is_shared_out(x):
            if isinstance(self._examples(x.element_spec)[0], _KINDS):
                raise ValueError(
                    f"{where}: a dataset that is divided among replicas must "
                    "give rows. Join the parts before: "
                    "dataset.map(lambda *x: gan.parts.join(x))."
                )
            return x
        if not isinstance(x, _KINDS):
            return x
        examples, rest = self._examples(x)
        rows = self.check(where, examples)
        return (rows, *rest) if rest else rows

    def _examples(self, x):
        """(examples, what comes with them), of which a batch consists."""
        if isinstance(x, tuple) and x:
            first = x[0]
            is_row = tuple(getattr(first, "shape", ()))[1:] == (self.width,)
            if isinstance(first, _KINDS) or is_row:
                return first, tuple(x[1:])
        return x, ()

    def _joined_dataset(self, where, dataset):
        first = data.first_batch(where, dataset)
        examples, others = self._examples(first)
        if not isinstance(examples, _KINDS):
            return dataset
        parts = self._picked(where, examples)
        for (name, space), part in zip(self.spaces.items(), parts, strict=True):
            space.check_batched(f"{where}: {name}", part)
        self.check(where, examples)
        # Also where they come alone, as the only one of a tuple.
        is_first, is_tuple = examples is not first, isinstance(first, tuple)

        def join(*batch):
            whole = batch if is_tuple else batch[0]
            examples, *rest = batch if is_first else (whole,)
            rows = self._guarded(self._picked(where, examples))
            return (rows, *rest) if rest else rows

        return data.mapped(dataset, join, parallel=True)

    def _guarded(self, parts):
        """Rows of the parts of a batch, which fail where one is wrong."""
        parts = [
            space.with_axis(tf.cast(_dense(part), tf.float32))
            for space, part in zip(self.spaces.values(), parts, strict=True)
        ]
        complaints = {
            f"{data.TOLD}{name} must hold {space.description}. {space.hint}": (
                space.outside(part)
            )
            for (name, space), part in zip(
                self.spaces.items(), parts, strict=True
            )
        }
        return self.joined_tensors(data.asserted(parts, complaints))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"spaces": self.spaces, "is_dict": self._is_dict}


def packed(x: tf.Tensor, packing: int) -> tf.Tensor:
    """(n, ..., channels) to (n / packing, ..., packing * channels)."""
    if packing == 1:
        return x
    shape = tf.shape(x)
    event = x.shape[1:]
    x = tf.reshape(x, (shape[0] // packing, packing, *event))
    order = [0, *range(2, len(x.shape) - 1), 1, len(x.shape) - 1]
    x = tf.transpose(x, order)
    return tf.reshape(x, (-1, *event[:-1], packing * event[-1]))


def _dense(part):
    is_sparse = isinstance(part, tf.SparseTensor)
    return tf.sparse.to_dense(part) if is_sparse else part


def has_several(generator: keras.Model) -> bool:
    """Whether what a generator gives is more than one tensor."""
    is_dict = isinstance(_structure(generator), Mapping)
    return is_dict or len(generator.outputs) > 1


def names_of(generator: keras.Model) -> tuple[list[str], bool]:
    """(names of the outputs, whether they are the keys of a dict).

    Those of their layers, where these were given names that differ.

    Raises:
        ValueError: for outputs that are nested, or keys that are no names.
    """
    structure = _structure(generator)
    parts = structure
    if isinstance(structure, Mapping):
        parts = list(structure.values())
        # In the order of the outputs.
        names = keras.tree.flatten({key: key for key in structure})
        if all(isinstance(name, str) for name in names):
            if all(hasattr(part, "shape") for part in parts):
                return names, True
    elif all(hasattr(part, "shape") for part in parts):
        made = [tensor._keras_history.operation for tensor in generator.outputs]
        given = [layer.name for layer in made]
        return [
            f"output_{number}"
            if _is_automatic(layer) or given.count(layer.name) > 1
            else layer.name
            for number, layer in enumerate(made, 1)
        ], False
    raise ValueError(
        "GAN: generator must give one tensor, a tuple of tensors, or a dict "
        f"of tensors by name; it gives {structure!r}."
    )


def input_names(network: keras.Model) -> list[str]:
    """The names of a network's inputs, or the keys of a dict of them."""
    structure = getattr(network, "_inputs_struct", None)
    if isinstance(structure, Mapping):
        return list(keras.tree.flatten({key: key for key in structure}))
    return [tensor._keras_history.operation.name for tensor in network.inputs]


def _structure(generator):
    return getattr(generator, "_outputs_struct", generator.outputs)


def _is_automatic(layer):
    plain = re.sub(r"_\d+$", "", layer.name)
    return plain == to_snake_case(type(layer).__name__)
