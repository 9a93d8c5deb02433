"""Pretrained models: `from_preset`, cards, and how they are read safely."""

from genzoo.zoo.digit_features import DigitFeatures
from genzoo.zoo.presets import card, from_preset, list_presets
from genzoo.zoo.publish import upload_preset

__all__ = [
    "DigitFeatures",
    "card",
    "from_preset",
    "list_presets",
    "upload_preset",
]
