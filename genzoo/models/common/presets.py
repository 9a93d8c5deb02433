"""What every model that can be a preset has."""

import os
from typing import Any, Self


class Preset:
    """A model that is saved as data, and loaded again."""

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

        presets.save_to_preset(self, folder, card, dtype)
