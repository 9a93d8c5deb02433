"""Which inputs of two networks are latents, and which are one condition."""

import keyword
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras


class Told(NamedTuple):
    """What the inputs of a generator and a discriminator are.

    Attributes:
        has_latents: whether the generator's first input is latents.
        parts: its other inputs, each a condition.
        order: which of them the discriminator takes, input by input.
        classified: which of them it classifies instead, or None.
        inputs: the discriminator's, as `order`.
        seen: which of the discriminator's inputs are examples, part by part.
    """

    has_latents: bool
    parts: tuple[Any, ...]
    order: tuple[int, ...]
    classified: int | None
    inputs: tuple[Any, ...]
    seen: tuple[int, ...] = (0,)

    def arranged(self, parts: Sequence, conditions: Sequence) -> list:
        """What the discriminator takes, input by input.

        Args:
            parts: those of examples, as `seen`.
            conditions: the generator's.
        """
        places = dict(zip(self.seen, parts, strict=True))
        told = iter([conditions[number] for number in self.order])
        count = len(self.seen) + len(self.order)
        return [
            places[place] if place in places else next(told)
            for place in range(count)
        ]

    def of_part(self, place: int) -> list:
        """The inputs of both networks that are this condition."""
        pairs = zip(self.order, self.inputs, strict=True)
        return [self.parts[place], *(t for i, t in pairs if i == place)]

    def names(self) -> list[str]:
        """A name for each part, with which arguments can be called.

        Those of the generator's inputs, where these were given names.
        """
        return arguments([_name(part) for part in self.parts], "part")


# Names of the other arguments of exported functions.
_TAKEN = ("n", "seed", "x", "z", "steps", "mask", "self")


def arguments(
    names: Sequence[str], stem: str, others: Sequence[str] = ()
) -> list[str]:
    """Names with which arguments of an exported function can be called.

    Those given where they are words of Python in ASCII and differ by more
    than capitals, which a SavedModel does not tell apart; else a stem and
    their number.

    Args:
        names: of the arguments.
        stem: of those that are numbered; nobody else has such a name.
        others: names of its other arguments.
    """
    known = [name.lower() for name in (*names, *others)]
    return [
        name
        if _is_good(name, stem) and known.count(name.lower()) == 1
        else f"{stem}_{place}"
        for place, name in enumerate(names, 1)
    ]


def _is_good(name, stem):
    is_word = name.isascii() and name.isidentifier()
    is_free = name.lower() not in _TAKEN and not keyword.iskeyword(name)
    is_own = re.fullmatch(rf"{stem}_\d+", name, re.IGNORECASE)
    return is_word and is_free and not is_own and not _is_automatic(name)


def _is_automatic(name):
    return name.startswith(("input_layer", "keras_tensor", "part_"))


def _name(tensor):
    return tensor._keras_history.operation.name


def read(
    generator: keras.Model,
    discriminator: keras.Model,
    seen: tuple[int, ...] = (0,),
) -> Told:
    """What the inputs are: the discriminator is told of all conditions.

    So the generator has as many inputs as the discriminator is told of, and
    one more for latents, if it takes some.

    Args:
        generator: a Keras model.
        discriminator: the other one.
        seen: which of its inputs are examples.

    Raises:
        ValueError: for inputs that do not belong together.
    """
    own = list(generator.inputs)
    also = [t for i, t in enumerate(discriminator.inputs) if i not in seen]
    classifies = len(discriminator.outputs) == 2
    count = len(also) + classifies
    if not count and len(own) == 1:
        return Told(True, (), (), None, (), seen)
    if count == len(own):
        found = _matched(own, also, classifies)
        if isinstance(found, tuple):
            order, classified = found
            return Told(False, tuple(own), order, classified, tuple(also), seen)
    latents, *parts = own
    if not count or not parts:
        has, lacks = ("generator", "discriminator")[:: 1 if parts else -1]
        raise ValueError(
            f"GAN: the {has} takes conditions and the {lacks} does not. "
            "Give both a second input, or the discriminator a second output; "
            "a generator without latents takes what the discriminator does."
        )
    if count != len(parts):
        raise ValueError(
            f"GAN: the generator takes {len(own)} inputs, latents and "
            f"{len(parts)} conditions, or conditions alone; the discriminator "
            f"is told of {count}: {len(also)} inputs beside the examples"
            f"{', and classes that it gives' if classifies else ''}. Let both "
            "have the same conditions."
        )
    found = _matched(parts, also, classifies)
    is_swapped = is_label(latents) or (
        isinstance(found, str)
        and isinstance(_matched(own[:-1], also, classifies), tuple)
    )
    if is_swapped:
        raise ValueError(
            "GAN: the generator's first input must be latents, the others "
            f"conditions; the first has shape {latents.shape[1:]} and dtype "
            f"{latents.dtype}. Make it of keras.Model([z, condition], ...)."
        )
    if isinstance(found, str):
        raise ValueError(f"GAN: {found}")
    order, classified = found
    return Told(True, tuple(parts), order, classified, tuple(also), seen)


def _matched(parts, also, classifies):
    """(order, classified), or why they do not fit, in words."""
    classified = None
    left = list(range(len(parts)))
    if classifies:
        labels = [place for place in left if is_label(parts[place])]
        if len(labels) != 1:
            return (
                "classes and an auxiliary classifier go with integer "
                "conditions, one of them: let one input of the generator "
                f"beside latents have dtype='int32'; {len(labels)} have."
            )
        (classified,) = labels
        left.remove(classified)
    by_name = {_name(parts[place]): place for place in left}
    named = sorted(by_name) == sorted(map(_name, also))
    if named and not any(map(_is_automatic, by_name)):
        left = [by_name[_name(tensor)] for tensor in also]
    for place, tensor in zip(left, also, strict=True):
        if not _is_like(parts[place], tensor):
            shapes, others = (
                ", ".join(str(tuple(t.shape[1:])) for t in tensors)
                for tensors in ([parts[p] for p in left], also)
            )
            return (
                f"the generator's conditions have shape {shapes}, the "
                f"discriminator's {others}. Give both the same, in the same "
                "order or by the same names, labels as integers."
            )
    return tuple(left), classified


def is_label(tensor: Any) -> bool:
    """Whether a condition is a class."""
    return tensor.dtype.startswith(("int", "uint"))


def _is_like(tensor, other):
    same = tensor.shape[1:] == other.shape[1:]
    return same and is_label(tensor) == is_label(other)
