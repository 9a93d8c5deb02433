"""What to do with examples that are not in a space."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from genzoo.runtime import data
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


def is_one(space: "Space", shape: tuple[int, ...]) -> bool:
    """Whether this is the shape of one example, or it has as many numbers."""
    shape = tuple(shape)
    if shape == space.event_shape:
        return True
    # (28, 28) for 784 columns is no batch of rows of 28.
    return math.prod(shape) == space.width and shape[:1] != (1,)


def of_shape(space: "Space", x: Any) -> str:
    """What to do with x, whose shape is not (n, *event_shape)."""
    shape, event = tuple(x.shape), space.event_shape
    expected = ", ".join(map(str, event))
    if not shape:
        return "It is one number; examples are rows of an array."
    if shape == event:
        return (
            "It is one example: take x[None], or batch a dataset by "
            "dataset.batch(128)."
        )
    told = _of_labels(space, x) or _of_axes(shape, event)
    if told:
        return told
    if is_one(space, shape):
        return f"It is one example: take x.reshape(1, {expected})."
    if len(shape) > 1 and 0 not in shape:
        held = math.prod(shape[1:])
        if held == space.width:
            row = "len(x), -1" if len(event) == 1 else f"-1, {expected}"
            return f"Reshape it, for example x.reshape({row})."
        told = (
            f"A row of x holds {held} numbers, an example {space.width}: "
            "make the model for as many, or leave out what is too much."
        )
        if held == space.width + 1 and len(shape) == 2:
            told += (
                " Is one column a label, or the number of the row? Take "
                "x[:, 1:] or x[:, :-1]."
            )
        return told
    if len(shape) == 1 and shape[0] % space.width == 0:
        row = f"-1, {expected}"
        return f"Reshape it, for example x.reshape({row})."
    return "Examples are rows of an array, one after the other."


def _of_axes(shape, event):
    """How axes are to be moved, added or left out, if that is all."""
    rest = shape[1:]
    last = len(shape) - 1
    if len(shape) == 2 and len(event) == 1 and shape[::-1][1:] == event:
        return "Examples are rows: take x.T."
    if (*shape[:-1], 1) == event and shape[-1] != 1:
        return "Examples come last: take numpy.moveaxis(x, -1, 0)[..., None]."
    if (*rest, 1) == event:
        return "Add the axis of the channel: take x[..., None]."
    if len(rest) == len(event) > 1 and rest[:-1] == event[:-1]:
        if event[-1] == 1 and rest[-1] in (3, 4):
            return (
                "The images have colours, examples none: take "
                "x[..., :3].mean(axis=-1, keepdims=True)."
            )
        if rest[-1] == 1 and event[-1] == 3:
            return "Repeat the channel: take numpy.repeat(x, 3, axis=-1)."
    if len(rest) == len(event) == 3 and rest[0] != 1:
        if (*rest[1:], rest[0]) == event:
            return (
                "The channels come first: take numpy.moveaxis(x, 1, -1), not "
                "a reshape."
            )
    if len(event) > 1 and len(shape) == len(event) + 1:
        if shape[:-1] == event:
            return f"Examples come last: take numpy.moveaxis(x, {last}, 0)."
        if rest[::-1] == event and len(set(event)) > 1 and 1 not in event:
            axes = ", ".join(map(str, (0, *range(last, 0, -1))))
            return f"The axes are turned: take numpy.transpose(x, ({axes}))."
        if len(event) > 2 and (rest[1], rest[0], *rest[2:]) == event:
            return "Rows and columns are turned: take x.swapaxes(1, 2)."
    inner = shape[-len(event) :]
    if inner == event and len(shape) > len(event) + 1:
        if shape[0] == 1 and len(shape) == len(event) + 2:
            return "There is an axis too many: take x[0]."
        row = ", ".join(map(str, event))
        return f"If all are examples, take x.reshape(-1, {row})."
    return ""


def _of_labels(space, x):
    """For labels that should be one-hot, and the reverse."""
    shape, event = tuple(x.shape), space.event_shape
    groups = getattr(space, "groups", None)
    if groups is not None:
        states = space.n_states
        bare = (1,) if groups == (1,) else ()
        if shape[1:] in (groups, bare[1:]) and (shape[1:] or bare):
            size = groups[0] if len(groups) == 1 else groups
            column = "" if shape[1:] else ".reshape(-1, 1)"
            return (
                "These look like labels: make them one-hot, "
                f"genzoo.units.Categorical({size}, {states}).one_hot(x{column})"
                "."
            )
        return ""
    if len(shape) < 2 or not space.levels or space.levels[0] is None:
        return ""
    states = len(space.levels[0])
    held = math.prod(shape[1:])
    if held != space.width * states or states < 2 or not len(x):
        return ""
    part = np.asarray(x[:1000], np.float64).reshape(-1, states)
    if not (np.isin(part, (0, 1)).all() and (part.sum(axis=1) == 1).all()):
        return ""
    row = ", ".join(map(str, event))
    return (
        "These look one-hot: take the labels, "
        f"x.reshape(-1, {row}, {states}).argmax(axis=-1)."
    )


def of_values(space: "Space", x: Array) -> str:
    """What to do with values that are not in the space.

    Args:
        space: where they should lie.
        x: examples, (n, *event_shape), one or more of which are outside.
    """
    ends = data.ends(x)
    if ends.missing:
        return (
            "These are missing values (NaN): pass missing='nan' to fit, "
            "evaluate or impute of an energy-based model, whose log_marginal "
            "and conditional_mean take them as they are; else fill them, for "
            "example by each column's most frequent one, or drop their rows."
            if ends.infinite == 0
            else "Fill or drop what is missing (NaN) and what is infinite."
        )
    if ends.infinite:
        return "Replace or drop what is infinite."
    if hasattr(space, "groups"):
        return _of_groups(space, x)
    own = not space.is_product or space.whole.all() or space.periodic.all()
    if own or "hint" in vars(space):
        return space.hint
    kinds = {None if v is None else tuple(v) for v in space.levels}
    if len(kinds) > 1:
        return _of_site(space, x)
    levels = kinds.pop()
    seen = _seen(x, ends)
    if levels is None:
        return _of_range(space, seen)
    if len(levels) == 2:
        return _of_two(levels, seen)
    rest = seen[seen != -1]
    if seen[0] == -1 and len(rest) and np.isin(rest, levels).all():
        return (
            "If -1 marks what is missing, pass missing=-1 to fit; else take "
            "x + 1 if the numbers begin one too low."
        )
    shift = seen[0] - min(levels)
    if len(seen) > 1 and shift and np.isin(seen - shift, levels).all():
        return f"Take x {'-' if shift > 0 else '+'} {abs(shift):g}."
    strange = seen[~np.isin(seen, levels)]
    told = listed(strange)
    return f"Not among them: {told}. {space.hint}".strip()


def _seen(x, ends):
    """Which values there are, in a part of many, and the ends of all."""
    width = max(math.prod(x.shape[1:]), 1)
    part = np.asarray(x[: -(-_MOST_SEEN // width)], np.float64).ravel()
    return np.unique(np.append(part[:_MOST_SEEN], (ends.low, ends.high)))


def _of_two(levels, seen):
    """For sites of two levels, how the values seen become these."""
    low, high = levels
    values = set(seen.tolist())
    is_bits = levels == (0.0, 1.0)
    is_spins = levels == (-1.0, 1.0)
    if 255 in values and values <= {0, 1, 255}:
        # -1 of bytes without a sign.
        told = "255 is -1 of unsigned bytes: take x.astype('int8')"
        if is_spins and 0 not in values:
            return f"{told}."
        if is_bits and len(values) == 3:
            return f"{told}, and pass missing=-1 if it marks what is missing."
    rest = {-1.0} if is_bits else {0.0}
    if values == {-1.0, 0.0, 1.0} and (is_bits or is_spins):
        mark = rest.pop()
        kept = "x > 0" if is_bits else "numpy.where(x > 0, 1, -1)"
        return (
            f"If {mark:g} marks what is missing, pass missing={mark:g} to fit; "
            f"else take two values, for example {kept}."
        )
    if len(seen) <= 2:
        pair = (seen[0], seen[-1])
        if is_bits and set(pair) <= {-1.0, 1.0}:
            return "From -1 and +1, take (x + 1) / 2."
        if is_spins and set(pair) <= {0.0, 1.0}:
            # 2 * x - 1 of unsigned integers would be 255.
            return "From 0 and 1, take 2.0 * x - 1."
        is_high = f"x == {pair[1]:g}"
    else:
        middle = 0.5 * (seen[0] + seen[-1])
        whole = float(seen[-1]).is_integer() and seen[-1] > 1
        middle = math.floor(middle) if whole else middle
        is_high = f"x > {middle:g}"
    if not is_bits:
        choice = f"numpy.where({is_high}, {high:g}, {low:g})"
        return f"Take two values, for example {choice}."
    told = f"Binarise it, for example {is_high}."
    if len(seen) > 2 and seen[0] >= 0 and seen[-1] <= 1:
        told += (
            " As probabilities, draw them: numpy.random.random(x.shape) < x. "
            "Or take units of such numbers, units.UnitInterval."
        )
    elif len(seen) > 2 and seen[0] < 0:
        told += " Or take units of real numbers, such as units.Gaussian."
    return told


def _of_groups(space, x):
    """The first group that is not one-hot."""
    for first, part in data.in_parts(x):
        groups = part.reshape(len(part), -1, space.n_states)
        strange = ((groups == 1).sum(axis=-1) != 1) | (
            ~np.isin(groups, (0, 1)).all(axis=-1)
        )
        wrong = np.argwhere(strange)
        if len(wrong):
            row, group = wrong[0]
            return _of_group(space, groups[row, group], first + row, group)
    return space.hint


def _of_group(space, found, row, group):
    if not np.isin(found, (0, 1)).all():
        held = "numbers other than 0 and 1"
        if (found >= 0).all() and np.isclose(found.sum(), 1):
            return (
                "These are probabilities: take the largest of each group, or "
                "draw one, and make it one-hot by Categorical units' one_hot."
            )
    else:
        ones = int(found.sum())
        held = f"{ones} ones" if ones else "no 1"
    return (
        f"The first of them: x[{row}] has {held} in group {group}. {space.hint}"
    )


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
    found: dict[int, tuple[int, float]] = {}
    for first, part in data.in_parts(x):
        rows = part.reshape(len(part), -1)
        for site in range(min(found, default=space.width)):
            column, levels = rows[:, site], space.levels[site]
            if levels is None:
                wrong = (column < space.low[site]) | (column > space.high[site])
            else:
                wrong = ~np.isin(
                    column.astype("float32"), np.asarray(levels, "float32")
                )
            if wrong.any():
                row = int(np.flatnonzero(wrong)[0])
                found[site] = first + row, column[row]
                break
    if not found:
        return space.hint
    site = min(found)
    row, value = found[site]
    levels = space.levels[site]
    if levels is None:
        due = f"a number in [{space.low[site]:g}, {space.high[site]:g}]"
    else:
        due = f"one of {listed(levels)}"
    return (
        f"The first of them: x[{row}] has {value:g} at the site "
        f"{space.site_names[site]}, which must be {due}."
    )
