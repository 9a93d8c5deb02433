"""What every model that can be a preset has: saves of which none is lost."""

import io
import json
import math
import os
import zipfile
from pathlib import Path
from typing import Any, ClassVar, Self

import tensorflow as tf
from keras.src.utils.io_utils import ask_to_proceed_with_overwrite

from genzoo import checks
from genzoo.runtime import atomic, distribute, weights

_WEIGHTS, _SHARDED = ".weights.h5", ".weights.json"


class _InMemory(io.BytesIO):
    """A file of weights in memory, by its name one for Keras.

    Where a disk is full, HDF5 ends the process.
    """

    def __str__(self) -> str:
        return f"memory{_WEIGHTS}"


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
    _card: tuple = (None, None)

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
        weights_format: str = "h5",
    ) -> None:
        """Write the model to a folder, from which `from_preset` makes it again.

        The folder gets `config.json`, `metadata.json` and `model.weights.h5`:
        what defines the distribution, without optimizers, and the persistent
        chains of an RBM, from which it samples, a deep machine or an
        `EnergyModel`. Of a GAN the generator's average and the discriminator
        are kept. To resume a training exactly,
        save the model as `.keras` instead.

        Args:
            folder: where; it is made if it is not there.
            card: dict of plain data that the model card is to show, such as
                "description", "data", "licence", "command", "measured".
            dtype: "float16" or "float32", in which floating point weights are
                written; None for their own.
            weights_format: "h5" for `model.weights.h5`, or "safetensors" for
                `model.safetensors`, which the tools of the Hub read; it needs
                `pip install genzoo[safetensors]`. `from_preset` reads both.

        Raises:
            ImportError: for "safetensors", without that package.
            ValueError: for a model whose configuration is no plain data, such
                as functions, or which was not trained; before anything is
                written.
        """
        from genzoo.zoo import presets

        presets.save(self, folder, card, dtype, weights_format)

    @property
    def card(self) -> dict[str, Any] | None:
        """The card of the preset that this model is, a dict, or None.

        It is None for a model of one's own, and for a preset that was trained
        on: the numbers on the card are those of other weights.
        """
        text, of = self._card
        is_same = text is not None and of == weights.fingerprint(
            self.trainable_variables  # type: ignore[attr-defined]
        )
        return json.loads(text) if is_same else None

    @card.setter
    def card(self, card: dict[str, Any]) -> None:
        # As text, which Keras does not search for layers.
        text = json.dumps(card, indent=2, ensure_ascii=False)
        trained = self.trainable_variables  # type: ignore[attr-defined]
        self._card = text, weights.fingerprint(trained)

    # Keras's files ---------------------------------------------------------

    def save(
        self,
        filepath: str | os.PathLike,
        overwrite: bool = True,
        zipped: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Save all of the model, as `keras.Model.save` does, or nothing.

        A file that was there is replaced at the end and at once: if saving
        fails, or the process is killed, the old one is whole.

        Args:
            filepath: the file, which must end in ".keras"; a folder for
                `zipped=False`.
            overwrite: False asks before a file is replaced.
            zipped: as in Keras.
            **kwargs: as in Keras.

        Raises:
            ValueError: for a file of another suffix.
        """
        is_folder = zipped is False
        save: Any = super().save  # type: ignore[misc]
        if "://" not in str(filepath):
            endings = ("",) if is_folder else (".keras",)
            self._check_suffix("save", filepath, *endings)
        if "://" in str(filepath):
            save(filepath, overwrite=overwrite, zipped=zipped, **kwargs)
        elif self._may_write(filepath, overwrite):
            suffix = "" if is_folder else ".keras"
            with atomic.replacing(filepath, suffix) as part:
                save(part, zipped=zipped, **kwargs)

    def save_weights(
        self,
        filepath: str | os.PathLike,
        overwrite: bool = True,
        max_shard_size: float | None = None,
    ) -> None:
        """Save the weights, as `keras.Model.save_weights` does, or nothing.

        A file that was there is replaced as by `save`.

        Args:
            filepath: the file, which must end in ".weights.h5".
            overwrite: False asks before a file is replaced.
            max_shard_size: as in Keras; several files do not take the place
                of others at once.

        Raises:
            ValueError: for a file of another suffix.
        """
        save: Any = super().save_weights  # type: ignore[misc]
        if "://" in str(filepath) or max_shard_size is not None:
            save(filepath, overwrite, max_shard_size)
            return
        self._check_suffix("save_weights", filepath, _WEIGHTS)
        if self._may_write(filepath, overwrite):
            file = _InMemory()
            save(file)
            file.seek(0, os.SEEK_END)
            file.write(atomic.seal(file.getvalue()))
            atomic.write(filepath, file.getbuffer())

    def load_weights(
        self,
        filepath: str | os.PathLike,
        skip_mismatch: bool = False,
        **kwargs: Any,
    ) -> None:
        """Load weights, as `keras.Model.load_weights` does, or change nothing.

        Args:
            filepath: a file of `save_weights` or `save`, or the folder of a
                `keras.callbacks.OrbaxCheckpoint`.
            skip_mismatch: as in Keras.
            **kwargs: as in Keras.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is truncated or damaged, or of another model;
                the weights are then as they were.
        """
        where = self._who("load_weights")
        if "://" not in str(filepath) and not _is_folder(filepath):
            endings = (_WEIGHTS, ".keras", _SHARDED)
            self._check_suffix("load_weights", filepath, *endings)
            atomic.check_whole(filepath, where)
        put_back = weights.remember(self)
        try:
            super().load_weights(  # type: ignore[misc]
                filepath, skip_mismatch=skip_mismatch, **kwargs
            )
        except (KeyError, RuntimeError, zipfile.BadZipFile) as error:
            # Of h5py and of a zip archive, wherever they stumble.
            put_back()
            raise atomic.damaged(filepath, where, error) from None
        except BaseException:
            put_back()
            raise

    def _who(self, method: str) -> str:
        return f"{type(self).__name__}.{method}"

    def _check_suffix(self, method: str, filepath: Any, *suffixes: str) -> None:
        if not isinstance(filepath, (str, os.PathLike)):
            checks.refuse(filepath, f"{self._who(method)}: filepath", "a path")
        if str(os.fspath(filepath)).endswith(suffixes):
            return
        raise ValueError(
            f"{self._who(method)}: filepath must end in "
            f"{' or '.join(map(repr, suffixes))}; received "
            f"{os.fspath(filepath)!r}. Other formats do not hold all that "
            "makes a run what it is."
        )

    @staticmethod
    def _may_write(filepath: Any, overwrite: bool) -> bool:
        if overwrite or not Path(filepath).exists():
            return True
        return bool(ask_to_proceed_with_overwrite(str(filepath)))


def _is_folder(filepath):
    """Whether it is one, such as Orbax writes."""
    is_path = isinstance(filepath, (str, os.PathLike))
    return is_path and Path(filepath).is_dir()


class AllChains:
    """The persistent chains of all replicas, as one variable.

    Args:
        chains: the layer that keeps them.
    """

    name = "chains"
    path = "chains/states"

    def __init__(self, chains: distribute.Chains):
        self.shape = (chains.count, chains.width)
        self.dtype = chains.states.dtype
        self.numpy = lambda: chains.read_all().numpy()
        self.assign = chains.write_all
        self._read = chains.read_all

    @property
    def value(self) -> tf.Tensor:
        """Their states."""
        return self._read()


def numbered(name: str, layer: Any) -> dict[str, Any]:
    """The weights of a layer, by their numbers: "generator.0"."""
    return {f"{name}.{i}": w for i, w in enumerate(layer.weights)}
