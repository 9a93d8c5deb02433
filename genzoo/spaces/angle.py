"""Sites on a circle."""

import math
from typing import Any, ClassVar

import keras
import numpy as np

from genzoo import checks
from genzoo.spaces.continuous import _Continuous


def _period(value: Any, where: str) -> float:
    if not checks.is_finite(value) or value <= 0:
        checks.refuse(value, where, "a positive number, such as 360")
    return float(value)


@keras.saving.register_keras_serializable("genzoo.spaces")
class Angle(_Continuous):
    """Sites on a circle: numbers whose two ends are one point.

    Directions, phases, dihedral angles, hours of a day. Sums over them are
    exact to rounding for smooth densities, and chains pass through the ends.

    Args:
        shape: number of sites, or the shape of one example.
        period: how long a circle is, by default that of radians; 360, 24.
        low: the least number; None takes -period / 2.

    Raises:
        ValueError: if the period is not a positive number.

    Example:
    >>> model = genzoo.MaxEnt(
    ...     genzoo.spaces.Angle(), genzoo.features.CircularMoments(1)
    ... )
    >>> model.compile()
    >>> history = model.fit(observations=[0.5, 0.0], verbose=0)
    >>> round(float(model.multipliers[0]), 4)      # of a von Mises density
    1.1593
    """

    arguments: ClassVar[checks.Arguments] = {
        "shape": checks.event_shape,
        "period": _period,
        "low": checks.optional(checks.finite_number),
    }

    def __init__(
        self,
        shape: int | tuple[int, ...] = 1,
        period: float = 2 * math.pi,
        low: float | None = None,
    ):
        self.period, low = checks.arguments(self, period=period, low=low)
        self.first = -0.5 * self.period if low is None else float(low)
        super().__init__(shape, self.first, self.first + self.period)
        self.periodic = np.ones(self.width, bool)
        self.hint = (
            f"Take numpy.mod(x - {self.first:g}, {self.period:g}) + "
            f"{self.first:g}; in degrees period=360, of hours period=24 and "
            "low=0."
        )

    @property
    def description(self) -> str:
        """In words."""
        return f"angles in [{self.low[0]:g}, {self.high[0]:g}]"

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "shape": list(self.event_shape),
            "period": self.period,
            "low": self.first,
        }
