"""Continuous sites: intervals, boxes and the real line."""

import math
from typing import Any, ClassVar

import keras
import numpy as np

from genzoo import checks
from genzoo.spaces.space import Space
from genzoo.types import ArrayLike


class _Continuous(Space):
    hint = "Replace or drop what is missing or infinite, shift or scale."

    def __init__(self, shape, low, high):
        name = type(self).__name__
        shape = checks.event_shape(shape, f"{name}: shape")
        width = int(np.prod(shape))
        ends = []
        for argument, value in (("low", low), ("high", high)):
            try:
                end = np.asarray(value, np.float64)
                end = np.broadcast_to(end, shape).reshape(width)
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"{name}: {argument} must be a number or an array of "
                    f"shape {shape}; received {value!r}."
                ) from error
            ends.append(end)
        if not (ends[0] < ends[1]).all():
            raise ValueError(
                f"{name}: low must be less than high; received low={low!r}, "
                f"high={high!r}."
            )
        super().__init__(shape, [None] * width, ends[0], ends[1])


def _end(value: Any, where: str) -> float | None:
    """An end of an interval; None, as infinity, has no number in JSON."""
    is_float = isinstance(value, (float, np.floating))
    if value is not None and not is_float and not checks.is_finite(value):
        hint = "For several ends take Box."
        checks.refuse(value, where, "a number or None", hint)
    return value


@keras.saving.register_keras_serializable("genzoo.spaces")
class Interval(_Continuous):
    """Sites in [low, high]; an end may be infinite.

    Args:
        low: the least value; None for -infinity.
        high: the greatest value; None for infinity.
        shape: number of sites, or the shape of one example.

    Raises:
        ValueError: unless low < high.

    Example:
    >>> space = genzoo.spaces.Interval(0.0, None, shape=2)
    >>> space.description
    'numbers in [0, inf]'
    >>> bool(space.outside(np.array([[0.5, 7.0]])))
    False
    """

    arguments: ClassVar[checks.Arguments] = {
        "low": _end,
        "high": _end,
        "shape": checks.event_shape,
    }

    def __init__(
        self,
        low: float | None,
        high: float | None,
        shape: int | tuple[int, ...] = 1,
    ):
        low, high = checks.arguments(self, low=low, high=high)
        low = -math.inf if low is None else low
        high = math.inf if high is None else high
        super().__init__(shape, low, high)

    @property
    def description(self) -> str:
        """In words."""
        return f"numbers in [{self.low[0]:g}, {self.high[0]:g}]"

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        low, high = (
            float(end) if math.isfinite(end) else None
            for end in (self.low[0], self.high[0])
        )
        return {"low": low, "high": high, "shape": list(self.event_shape)}


@keras.saving.register_keras_serializable("genzoo.spaces")
class Box(_Continuous):
    """Sites with an interval each; ends may be infinite.

    Args:
        low: the least values, an array of the shape of one example.
        high: the greatest values.

    Raises:
        ValueError: if the shapes differ, or low < high fails anywhere.

    Example:
    >>> space = genzoo.spaces.Box([0.0, -1.0], [1.0, 1.0])
    >>> space.event_shape, space.description
    ((2,), 'numbers in the box [0, 1] x [-1, 1]')
    """

    def __init__(self, low: ArrayLike, high: ArrayLike):
        if np.shape(low) != np.shape(high):
            raise ValueError(
                "Box: high must be of the same shape as low; received shapes "
                f"{np.shape(low)} and {np.shape(high)}."
            )
        super().__init__(np.shape(low) or 1, low, high)

    @property
    def description(self) -> str:
        """In words."""
        ends = zip(self.low, self.high, strict=True)
        intervals = [f"[{low:g}, {high:g}]" for low, high in ends]
        shown = " x ".join(intervals[:4]) + (" x ..." * (len(intervals) > 4))
        return f"numbers in the box {shown}"

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        shape = self.event_shape
        return {
            "low": self.low.reshape(shape).tolist(),
            "high": self.high.reshape(shape).tolist(),
        }


@keras.saving.register_keras_serializable("genzoo.spaces")
class Real(_Continuous):
    """Sites on the whole real line.

    Args:
        shape: number of sites, or the shape of one example.

    Example:
    >>> space = genzoo.spaces.Real(3)
    >>> space.event_shape, space.is_bounded
    ((3,), False)
    """

    arguments: ClassVar[checks.Arguments] = {"shape": checks.event_shape}

    def __init__(self, shape: int | tuple[int, ...] = 1):
        super().__init__(shape, -np.inf, np.inf)

    @property
    def description(self) -> str:
        """In words."""
        return "finite numbers"

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"shape": list(self.event_shape)}
