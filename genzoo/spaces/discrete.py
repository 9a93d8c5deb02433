"""Discrete sites: binary, spin, and any finite list of numbers."""

import keras
import numpy as np

from genzoo.spaces.space import Space, as_shape


class _Levels(Space):
    """Sites that all have the same levels."""

    def __init__(self, shape, values):
        width = int(np.prod(as_shape(type(self).__name__, shape)))
        super().__init__(shape, [values] * width, values.min(), values.max())

    @property
    def values(self):
        """The levels of one site, an array."""
        return self.levels[0]


@keras.saving.register_keras_serializable("genzoo.spaces")
class Binary(_Levels):
    """Sites in {0, 1}.

    Args:
        shape: number of sites, or the shape of one example.
    """

    hint = "Binarise it, for example x > 127."

    def __init__(self, shape):
        super().__init__(shape, np.array([0.0, 1.0]))

    @property
    def description(self):
        """In words."""
        return "0 and 1"

    def get_config(self):
        """The constructor's arguments."""
        return {"shape": list(self.event_shape)}


@keras.saving.register_keras_serializable("genzoo.spaces")
class Spin(_Levels):
    """Ising spins, sites in {-1, +1}.

    Args:
        shape: number of spins, or the shape of one example.
    """

    hint = "From 0 and 1, take 2 * x - 1."

    def __init__(self, shape):
        super().__init__(shape, np.array([-1.0, 1.0]))

    @property
    def description(self):
        """In words."""
        return "-1 and +1"

    def get_config(self):
        """The constructor's arguments."""
        return {"shape": list(self.event_shape)}


@keras.saving.register_keras_serializable("genzoo.spaces")
class Categorical(_Levels):
    """Sites that take one of finitely many numbers, such as a die's.

    Args:
        values: the numbers, all different.
        shape: number of sites, or the shape of one example.

    Raises:
        ValueError: if the values are not distinct finite numbers.
    """

    def __init__(self, values, shape=1):
        iterable = hasattr(values, "__iter__")
        numbers = np.asarray(list(values) if iterable else values)
        if numbers.ndim != 1 or numbers.dtype.kind not in "biuf":
            raise ValueError(
                "Categorical: values must be a list of numbers; received "
                f"{values!r}. Number the classes: range(len(classes))."
            )
        numbers = numbers.astype(np.float64)
        if not (
            np.isfinite(numbers).all()
            and len(set(numbers)) == len(numbers)
            and len(numbers) > 1
        ):
            raise ValueError(
                "Categorical: values must be two or more different finite "
                f"numbers; received {values!r}."
            )
        super().__init__(shape, numbers)

    @property
    def description(self):
        """In words."""
        return f"values from {[float(v) for v in self.values]}"

    def get_config(self):
        """The constructor's arguments."""
        return {
            "values": self.values.tolist(),
            "shape": list(self.event_shape),
        }
