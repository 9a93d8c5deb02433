"""What to do with examples that are not in a space."""

import math
from typing import TYPE_CHECKING

import numpy as np

from genzoo.types import Array

if TYPE_CHECKING:
    from genzoo.spaces.space import Space

# Values that are named, of many.
MOST_NAMED = 6
# Numbers that are looked at for the kind of data that they are.
_MOST_SEEN = 2**20


def listed(values: Array) -> str:
    """A few numbers in words: the first and the last of many."""
    shown = [f"{float(value)}" for value in values]
    if len(shown) > MOST_NAMED:
        shown = [*shown[: MOST_NAMED - 2], "...", shown[-1]]
        return f"[{', '.join(shown)}], {len(values)} of them"
    return f"[{', '.join(shown)}]"


def of_shape(space: "Space", shape: tuple[int, ...]) -> str:
    """What to do with examples of a shape that is not (n, *event_shape)."""
    event = space.event_shape
    expected = ", ".join(map(str, event))
    turned = tuple(reversed(shape))
    if shape == event:
        return "For a single example, take x[None]."
    if len(shape) > 1 and shape[-1:] != event and turned[1:] == event:
        return "Examples are rows: take x.T."
    if len(shape) > 1 and 0 not in shape:
        if math.prod(shape[1:]) == space.width:
            row = "len(x), -1" if len(event) == 1 else f"-1, {expected}"
            return f"Reshape it, for example x.reshape({row})."
        held = math.prod(shape[1:])
        return (
            f"A row of x holds {held} numbers, an example {space.width}: "
            "make the model for as many, or leave out what is too much."
        )
    if len(shape) == 1 and shape[0] % space.width == 0:
        row = f"-1, {expected}"
        return f"Reshape it, for example x.reshape({row})."
    return "Examples are rows of an array, one after the other."


def of_values(space: "Space", x: Array) -> str:
    """What to do with values that are not in the space.

    Args:
        space: where they should lie.
        x: examples, (n, *event_shape), one or more of which are outside.
    """
    x = np.asarray(x, np.float64)
    missing, infinite = int(np.isnan(x).sum()), int(np.isinf(x).sum())
    if missing:
        return (
            "These are missing values (NaN): fill them, for example by each "
            "column's most frequent one, or drop their rows."
            if infinite == 0
            else "Fill or drop what is missing (NaN) and what is infinite."
        )
    if infinite:
        return "Replace or drop what is infinite."
    if not space.is_product or "hint" in vars(space):
        return space.hint
    kinds = {None if v is None else tuple(v) for v in space.levels}
    if len(kinds) > 1:
        return _of_site(space, x)
    levels = kinds.pop()
    seen = np.unique(x.ravel()[:_MOST_SEEN])
    if levels is None:
        return _of_range(space, seen)
    if len(levels) == 2:
        return _of_two(levels, seen)
    shift = seen[0] - min(levels)
    if shift and np.isin(seen - shift, levels).all():
        return f"Take x {'-' if shift > 0 else '+'} {abs(shift):g}."
    strange = seen[~np.isin(seen, levels)]
    told = listed(strange)
    return f"Not among them: {told}. {space.hint}".strip()


def _of_two(levels, seen):
    """For sites of two levels, how the values seen become these."""
    low, high = levels
    if len(seen) <= 2:
        pair = (seen[0], seen[-1])
        if levels == (0.0, 1.0) and set(pair) <= {-1.0, 1.0}:
            return "From -1 and +1, take (x + 1) / 2."
        if levels == (-1.0, 1.0) and set(pair) <= {0.0, 1.0}:
            # 2 * x - 1 of unsigned integers would be 255.
            return "From 0 and 1, take 2.0 * x - 1."
        is_high = f"x == {pair[1]:g}"
    else:
        middle = 0.5 * (seen[0] + seen[-1])
        whole = float(seen[-1]).is_integer() and seen[-1] > 1
        middle = math.floor(middle) if whole else middle
        is_high = f"x > {middle:g}"
    if levels == (0.0, 1.0):
        return f"Binarise it, for example {is_high}."
    choice = f"numpy.where({is_high}, {high:g}, {low:g})"
    return f"Take two values, for example {choice}."


def _of_range(space, seen):
    low, high = float(space.low.max()), float(space.high.min())
    if (low, high) == (0.0, 1.0) and seen[0] >= 0 and seen[-1] <= 255:
        most = 255 if seen[-1] > 100 else seen[-1]
        return f"Scale it, for example x / {most:g}."
    if (low, high) == (-1.0, 1.0) and 0 <= seen[0] and seen[-1] <= 255:
        return "Scale it, for example x / 127.5 - 1."
    if math.isfinite(low) and math.isfinite(high):
        return "Shift, scale or clip it."
    return "Shift it, or drop what lies beyond."


def _of_site(space, x):
    """The first place that is wrong, where sites differ."""
    rows = x.reshape(len(x), -1)
    for site, name in enumerate(space.site_names):
        column, levels = rows[:, site], space.levels[site]
        if levels is None:
            low, high = space.low[site], space.high[site]
            wrong = (column < low) | (column > high)
            due = f"a number in [{low:g}, {high:g}]"
        else:
            wrong = ~np.isin(
                column.astype("float32"), np.asarray(levels, "float32")
            )
            due = f"one of {listed(levels)}"
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            return (
                f"The first of them: x[{row}] has {column[row]:g} at the site "
                f"{name}, which must be {due}."
            )
    return space.hint
