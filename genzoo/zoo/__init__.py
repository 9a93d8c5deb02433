"""Pretrained models: `from_preset`, `save_to_preset`, cards.

Imported with genzoo, it gives every model `from_preset` and `save_to_preset`;
the models themselves know nothing of presets.
"""

from genzoo.models.generative_model import GenerativeModel
from genzoo.zoo.digit_features import DigitFeatures
from genzoo.zoo.presets import (
    card,
    from_preset,
    list_presets,
    load,
    save_to_preset,
)

__all__ = [
    "DigitFeatures",
    "card",
    "from_preset",
    "list_presets",
    "save_to_preset",
]


def _from_preset(cls, handle):
    """A model of this class from a preset; see `genzoo.from_preset`."""
    return load(handle, cls)


for _cls in (GenerativeModel, DigitFeatures):
    _cls.from_preset = classmethod(_from_preset)
    _cls.save_to_preset = save_to_preset
