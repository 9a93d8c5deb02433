"""The numbers on the cards of the built-in presets, and how to measure them.

A card's "measured" is a dict from names to {"value", "tolerance"} and, where
there is one, "stderr". `MEASURES` has the functions that make such values.
"""

from typing import NamedTuple

from genzoo.zoo import presets
from genzoo.zoo.measures import (
    angles,
    boltzmann,
    digits,
    energies,
    gans,
    glyphs,
    ising,
    mnist,
    patches,
    plane,
    tables,
    votes,
)

_ROOMS = (
    angles,
    boltzmann,
    digits,
    energies,
    gans,
    glyphs,
    ising,
    mnist,
    patches,
    plane,
    tables,
    votes,
)
MEASURES = {name: part for r in _ROOMS for name, part in r.MEASURES.items()}
_SLOW = set().union(*(room.SLOW for room in _ROOMS))


class Row(NamedTuple):
    """One number, on the card and measured again."""

    measure: str
    expected: float
    found: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the two differ by no more than the tolerance."""
        # False where either is not a number.
        return abs(self.found - self.expected) <= self.tolerance


def verify(name: str, quick: bool = False) -> list[Row]:
    """Measure a preset's numbers again.

    Args:
        name: of a built-in preset.
        quick: whether to leave out what takes long or needs a download.

    Returns:
        A list of `Row`s.

    Raises:
        ValueError: for a preset, or a number on its card, without a measure.
    """
    model = presets.from_preset(name)
    card = presets.card(name)["measured"]
    known = MEASURES.get(name, {})
    if card.keys() != known.keys():
        raise ValueError(
            f"{name}: the card has {sorted(card)}; measures are known of "
            f"{sorted(known)}."
        )
    return [
        Row(
            measure,
            card[measure]["value"],
            float(function(model)),
            card[measure]["tolerance"],
        )
        for measure, function in known.items()
        if not (quick and function in _SLOW)
    ]
