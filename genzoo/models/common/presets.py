"""What every model that can be a preset has."""

import math
import os
from typing import Any, ClassVar, Self

from genzoo import checks
from genzoo.runtime import distribute


class Preset:
    """A model that is saved as data, and loaded again.

    Beside its constructor a model says which arguments a preset holds, and
    how they are checked; the closed table of `genzoo.zoo` only lists it. What
    follows here holds for models whose attributes have the names of their
    arguments.

    Attributes:
        arguments: the names and checks of what config.json holds; a
            `checks.part` stands for a unit, a space or another part.
    """

    arguments: ClassVar[checks.Arguments] = {}

    @classmethod
    def preset_make(cls, **arguments: Any) -> Self:
        """The model of checked arguments, parts being made."""
        return cls(**arguments)

    @classmethod
    def preset_size(cls, **arguments: Any) -> int:
        """How many numbers are stored, before any memory is taken.

        Called where weights that are made have shapes but no values.
        """
        weights = cls.preset_make(**arguments).preset_weights()
        return sum(math.prod(weight.shape) for weight in weights.values())

    @classmethod
    def _preset_upgrade(
        cls, arrays: dict[str, Any], **arguments: Any
    ) -> dict[str, Any]:
        """The stored arrays, with those that older presets lack."""
        return arrays

    def preset_config(self) -> dict[str, Any]:
        """The arguments above, parts as they are.

        Raises:
            ValueError: if the model cannot be a preset.
        """
        found = {name: getattr(self, name, None) for name in self.arguments}
        return {**found, "seed": self.draws.seed}  # type: ignore[attr-defined]

    def preset_weights(self) -> dict[str, Any]:
        """The variables that are stored, by name."""
        raise NotImplementedError

    def preset_loaded(self) -> None:
        """Called when the weights were set."""

    @classmethod
    def from_preset(cls, handle: str | os.PathLike) -> Self:
        """A model of this class from a preset; see `genzoo.from_preset`."""
        # Presets know the models; here they are only asked for.
        from genzoo.zoo import presets

        return presets.load(handle, cls)

    def save_to_preset(
        self,
        folder: str | os.PathLike,
        card: dict[str, Any] | None = None,
        dtype: str | None = None,
    ) -> None:
        """Write the model to a folder, from which `from_preset` makes it again.

        The folder gets `config.json`, `metadata.json` and `model.weights.h5`:
        what defines the distribution, without optimizers, and the persistent
        chains of an RBM, from which it samples. Of a GAN the generator's
        average and the discriminator are kept. To resume a training exactly,
        save the model as `.keras` instead.

        Args:
            folder: where; it is made if it is not there.
            card: dict of plain data that the model card is to show, such as
                "description", "data", "licence", "command", "measured".
            dtype: "float16" or "float32", in which floating point weights are
                written; None for their own.

        Raises:
            ValueError: for a model whose configuration is no plain data, such
                as functions, or which was not trained; before anything is
                written.
        """
        from genzoo.zoo import presets

        presets.save(self, folder, card, dtype)


class AllChains:
    """The persistent chains of all replicas, as one variable.

    Args:
        chains: the layer that keeps them.
    """

    name = "chains"

    def __init__(self, chains: distribute.Chains):
        self.shape = (chains.count, chains.width)
        self.dtype = chains.states.dtype
        self.numpy = lambda: chains.read_all().numpy()
        self.assign = chains.write_all


def numbered(name: str, layer: Any) -> dict[str, Any]:
    """The weights of a layer, by their numbers: "generator.0"."""
    return {f"{name}.{i}": w for i, w in enumerate(layer.weights)}
