"""Conditions of several parts: a label and a vector, an image and a number."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from genzoo.models.gan.conditions import Conditions, Seen, checked_dataset
from genzoo.runtime import random
from genzoo.spaces import Space


class Several:
    """Several conditions: the face of `Conditions`, of one for each part.

    What users give is a tuple of parts in the order of the generator's
    inputs, or a dict by the names of these; what the networks get is a tuple.

    Args:
        parts: by the names of the generator's inputs.

    Attributes:
        shape: those of the parts.
        classes: None; labels are parts like others.
    """

    name = "conditions"
    classes = None

    def __init__(self, parts: dict[str, Conditions]):
        self.parts = parts
        self.shape = tuple(part.shape for part in parts.values())

    @property
    def description(self) -> str:
        """What the model takes, in words."""
        each = [f"{k}: {part.description}" for k, part in self.parts.items()]
        return f"a tuple or dict of ({'; '.join(each)})"

    def given(self, where: str, labels: Any, conditions: Any) -> Any:
        """Conditions, or None.

        Raises:
            ValueError: if labels are given.
        """
        if labels is not None:
            raise ValueError(
                f"{where}: labels were given, but the model takes "
                f"{self.description}. Pass conditions=."
            )
        return conditions

    def asked(
        self,
        where: str,
        n: int,
        labels: Any,
        conditions: Any,
        seen: Seen | None = None,
    ) -> tuple:
        """n conditions, where a part may be one for all.

        Raises:
            ValueError: as `given` and `check` do.
        """
        y = self._picked(where, self.given(where, labels, conditions))
        parts = zip(self.parts.values(), y, strict=True)
        return self.check(where, tuple(p.of_all(v, n) for p, v in parts), n)

    def filled(
        self, condition: tuple[tf.Tensor, ...], seed: random.Seed
    ) -> tuple[tf.Tensor, ...]:
        """With classes drawn at random where there is no label."""
        parts = zip(self.parts.values(), condition, strict=True)
        return tuple(part.filled((v,), seed)[0] for part, v in parts)

    def check(
        self,
        where: str,
        y: Any,
        rows: int | None = None,
        name: str = "conditions",
        learns: bool = False,
    ) -> tuple:
        """A tuple of checked parts, arrays.

        Raises:
            ValueError: for other parts, or wrong ones; see `Conditions.check`.
        """
        parts = zip(self.parts.items(), self._picked(where, y), strict=True)
        return tuple(
            part.check(f"{where}: {key}", v, rows, learns=learns)
            for (key, part), v in parts
        )

    def outside(self, y: Any, learns: bool = False) -> tf.Tensor:
        """A boolean scalar: whether any is no class, or not finite."""
        parts = zip(self.parts.values(), self._picked("", y), strict=True)
        wrong = [part.outside(v, learns) for part, v in parts]
        return tf.reduce_any(tf.stack(wrong))

    def as_told(self, y: Any) -> tuple[tf.Tensor, ...]:
        """Conditions of a batch of a dataset, as the networks take them."""
        parts = zip(self.parts.values(), self._picked("", y), strict=True)
        return tuple(part.as_told(v) for part, v in parts)

    def check_dataset(
        self, where: str, dataset: tf.data.Dataset, space: Space
    ) -> tf.data.Dataset:
        """As `checked_dataset`."""
        return checked_dataset(self, where, dataset, space)

    def entries(self, found: Mapping, others: list) -> tuple:
        """The keys of a batch that hold the parts.

        Raises:
            ValueError: in a few words, if some are missing.
        """
        missing = [key for key in self.parts if key not in others]
        if missing:
            raise ValueError(f"there are no {missing}")
        return tuple(self.parts)

    def spec(self) -> list[tf.TensorSpec]:
        """The arguments of graphs, of the names of the parts."""
        return [
            tf.TensorSpec((None, *part.shape), part.dtype, key)
            for key, part in self.parts.items()
        ]

    def _picked(self, where, y):
        """The parts of a tuple or dict, in order."""
        if y is None:
            raise ValueError(
                f"{where}: the model is conditional; pass {self.description}."
            )
        if isinstance(y, Mapping) and set(y) == set(self.parts):
            return tuple(y[key] for key in self.parts)
        if isinstance(y, (tuple, list)) and len(y) == len(self.parts):
            return tuple(y)
        found = f"an object of type {type(y).__name__}"
        if isinstance(y, Mapping):
            found = f"a dict of {sorted(map(str, y))}"
        elif isinstance(y, (tuple, list)):
            found = f"{len(y)} parts"
        raise ValueError(
            f"{where}: the model takes {self.description}; received {found}."
        )
