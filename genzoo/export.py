"""SavedModels: written for any TensorFlow runtime, and called from Python."""

import contextlib
import inspect
import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo.runtime import atomic, random

CARD, SERVING = "metadata.json", "serving.json"
# The order of arguments, which a SavedModel does not keep.
_ORDER = (
    *("n", "x", "z", "mask", "condition", "seed", "steps"),
    *("labels", "conditions"),
)
# What an assertion in a graph says: its text, and the value.
_REFUSED = re.compile(r"assertion failed: \[(.*?)\] \[(.*?)\]\s", re.DOTALL)
# Of what is read again, by file.
_ASSETS = {CARD: "card", SERVING: "serving"}
# As `sample` has them.
_DEFAULTS = {"steps": 1000}


_PATTERNS = {"["} if os.sep == "\\" else {"[", "\\"}
# What TensorFlow and JSON say of files that are not whole.
_OF_DAMAGE = OSError, IndexError, KeyError, ValueError, tf.errors.OpError


def export(
    path: str | os.PathLike,
    endpoints: Mapping[str, tuple[Callable, Sequence[tf.TensorSpec]]],
    resource: keras.Layer,
    card: dict[str, Any] | None = None,
    verbose: bool = False,
    serving: dict[str, Any] | None = None,
) -> None:
    """Write a SavedModel with these endpoints.

    Args:
        path: the folder to write.
        endpoints: dict from names to (function, input signature); the first
            is the default signature.
        resource: the layer or model whose weights the functions use.
        card: dict that is kept as the asset `metadata.json`, or None.
        verbose: whether to print the endpoints.
        serving: dict that is kept as the asset `serving.json`: what a client
            must know of the arguments.
    """
    if os.path.isfile(path):
        raise ValueError(
            f"export: filepath must be a folder, which is made if it is not "
            f"there; {os.fspath(path)!r} is a file."
        )
    if set(os.fspath(path)) & _PATTERNS:
        raise ValueError(
            "export: filepath must have no [ and no backslash, which "
            f"TensorFlow takes for patterns; received {os.fspath(path)!r}."
        )
    saved = tf.Module()
    saved.weights = [variable.value for variable in resource.variables]
    signatures = {}
    for name, (function, signature) in endpoints.items():
        function = tf.function(
            function, input_signature=signature, autograph=False
        )
        setattr(saved, name, function)
        signatures[name] = function
        signatures.setdefault("serving_default", function)
    path = os.fspath(path)
    with tempfile.TemporaryDirectory() as folder, _whole(path) as place:
        for name, kept in {CARD: card, SERVING: serving}.items():
            if kept is None:
                continue
            text = json.dumps(kept, indent=2, ensure_ascii=False)
            file = os.path.join(folder, name)
            tf.io.write_file(file, text + "\n")
            setattr(saved, _ASSETS[name], tf.saved_model.Asset(file))
        tf.saved_model.save(saved, place, signatures=signatures)
    if verbose:
        calls = [_call(name, spec) for name, (_, spec) in endpoints.items()]
        print(f"{path}: {', '.join(calls)}")


@contextlib.contextmanager
def _whole(path):
    """Where to write a SavedModel, which then is at this path as a whole.

    In place where it could not be: see `_is_replaceable`.
    """
    if "://" in path or not _is_replaceable(path):
        if tf.io.gfile.exists(stale := os.path.join(path, "assets", CARD)):
            tf.io.gfile.remove(stale)
        yield path
        return
    target = os.path.realpath(path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with atomic.replacing(target, "") as part:
        yield str(part)


def _is_replaceable(path):
    """Whether there is no such folder, or one of a SavedModel alone.

    It must also be one that can be moved: no mounted one, nor the present.
    """
    if not os.path.exists(path):
        return True
    known = {"saved_model.pb", "fingerprint.pb", "variables", "assets"}
    target = os.path.realpath(path)
    return (
        "saved_model.pb" in os.listdir(path)
        and set(os.listdir(path)) <= known
        and not os.path.ismount(target)
        and not os.path.samefile(target, os.getcwd())
        and os.access(os.path.dirname(target), os.W_OK)
    )


def _call(name, arguments):
    names = [getattr(argument, "name", argument) for argument in arguments]
    return f"{name}({', '.join(names)})"


def load_exported(path: str | os.PathLike) -> "Exported":
    """The endpoints of a SavedModel, as functions of NumPy arrays.

    A SavedModel is a program: load only those that you trust.

    Args:
        path: the folder that `export` wrote.

    Returns:
        An `Exported`.

    Raises:
        ValueError: if there is no such folder, or it holds no SavedModel, or
            one that is damaged.

    Example:
    >>> rbm = genzoo.from_preset("rbm_digits_8x8")
    >>> rbm.export("served/rbm", verbose=False)
    >>> served = genzoo.load_exported("served/rbm")
    >>> served.sample(16, seed=0).shape
    (16, 64)
    >>> served.energy(x_test).shape == (len(x_test),)
    True
    >>> sorted(served.card["measured"])[:1]
    ['log_likelihood_test']
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError(
            "load_exported: path must be the folder that export wrote; "
            f"received {path!r}."
        )
    return Exported(path)


class Exported:
    """What `load_exported` gives: a method for each endpoint.

    Methods take their arguments by place or by name, as arrays, lists or
    numbers, and return a NumPy array. A seed is an int or a pair of ints, as
    of `sample`; `steps` is 1,000 unless it is given; one label stands for all.

    Args:
        path: the folder that `export` wrote.

    Attributes:
        card: the card of the preset that was exported, a dict, or None.
        serving: dict of what a client must know: the family, the version that
            wrote it, the arguments of each endpoint with their shapes and
            types, the limits of `n` and `steps`, of a GAN the law of its
            latents and the number of its classes.
        endpoints: dict from the names of the methods to those of their
            arguments.

    Raises:
        ValueError: if there is no such folder, or it holds no SavedModel; by
            the methods, for arguments of another shape or kind, and what the
            graph itself refuses, see `GenerativeModel.export`.
    """

    def __init__(self, path: str | os.PathLike):
        self._path = os.fspath(path)
        if not tf.io.gfile.isdir(self._path):
            raise ValueError(
                f"load_exported: there is no folder {self._path!r}."
            )
        if not tf.saved_model.contains_saved_model(self._path):
            raise ValueError(
                f"load_exported: {self._path!r} holds no SavedModel. Write one "
                "by model.export; presets are loaded by from_preset, .keras "
                "files by keras.saving.load_model."
            )
        # Held on to, since its functions do not own their variables.
        try:
            self._loaded = tf.saved_model.load(self._path)
            self.card, self.serving = map(self._asset, _ASSETS.values())
        except _OF_DAMAGE as error:
            raise ValueError(
                f"load_exported: {self._path!r} is there, but damaged or not "
                f"complete: {error}. Its writing or copying was interrupted; "
                "export the model again, or take another copy."
            ) from None
        self.endpoints = {}
        for name, function in self._loaded.signatures.items():
            if name != "serving_default":
                method = _Endpoint(name, function)
                setattr(self, name, method)
                self.endpoints[name] = tuple(method.__signature__.parameters)

    def _asset(self, name):
        if not hasattr(self._loaded, name):
            return None
        text = tf.io.read_file(getattr(self._loaded, name).asset_path)
        return json.loads(text.numpy())

    def __getattr__(self, name):
        known = self.__dict__.get("endpoints", {})
        raise AttributeError(
            f"this export has no endpoint {name!r}; it has {sorted(known)}."
        )

    def __repr__(self):
        calls = [_call(*item) for item in self.endpoints.items()]
        return f"<Exported {self._path!r}: {', '.join(calls)}>"


class _Endpoint:
    """A function of NumPy arrays that calls a signature of a SavedModel."""

    def __init__(self, name, function):
        self._name = name
        self._function = function
        _, specs = function.structured_input_signature
        known = [key for key in _ORDER if key in specs]
        others = [key for key in specs if key not in _ORDER]
        self._specs = {key: specs[key] for key in [*known, *others]}
        by_place = inspect.Parameter.POSITIONAL_OR_KEYWORD
        by_name = inspect.Parameter.KEYWORD_ONLY
        self.__signature__ = inspect.Signature(
            [
                inspect.Parameter(
                    key,
                    by_place if key in _ORDER else by_name,
                    default=_DEFAULTS.get(key, inspect.Parameter.empty),
                )
                for key in self._specs
            ]
        )

    def __repr__(self):
        return f"<endpoint {self._name}{self.__signature__}>"

    def __call__(self, *args, **kwargs):
        try:
            bound = self.__signature__.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self!r}: {error}") from None
        bound.apply_defaults()
        given = bound.arguments
        tensors = {key: self._tensor(key, given) for key in given}
        try:
            found = self._function(**tensors)
        except tf.errors.InvalidArgumentError as error:
            refused = _REFUSED.search(error.message)
            if refused is None:
                raise
            told = " ".join(refused.groups())
            raise ValueError(f"{self._name}: {told}.") from None
        found = {key: value.numpy() for key, value in found.items()}
        return next(iter(found.values())) if len(found) == 1 else found

    def _tensor(self, key, given):
        """An argument as a tensor of the kind that the signature takes."""
        value, spec = given[key], self._specs[key]
        if key == "seed":
            return tf.cast(random.as_seed(value).key, spec.dtype)
        where = f"{self._name}: {key}"
        value = np.asarray(value)
        self._check_kind(where, value, spec.dtype)
        if key in ("n", "steps") and (value < 1).any():
            raise ValueError(
                f"{where} must be a positive int; received {value}."
            )
        rank = spec.shape.rank
        if "n" in given and rank is not None and value.ndim == rank - 1:
            # One label for all.
            value = np.broadcast_to(value, (given["n"], *value.shape))
        if not spec.shape.is_compatible_with(value.shape):
            raise ValueError(
                f"{where} must have shape {spec.shape}; received shape "
                f"{value.shape}. None is any length."
            )
        if "n" in given and rank and len(value) != given["n"]:
            raise ValueError(
                f"{where} has {len(value)} rows; n is {given['n']}."
            )
        return tf.cast(value, spec.dtype)

    def _check_kind(self, where, value, dtype):
        wanted = "numbers"
        if dtype.is_integer:
            wanted = f"{dtype.name} integers"
        kinds = "iu" if dtype.is_integer else "iubf"
        if value.dtype.kind not in kinds or (
            dtype.is_integer
            and ((value < dtype.min) | (value > dtype.max)).any()
        ):
            raise ValueError(
                f"{where} must be {wanted}; received {value.dtype} "
                f"{str(value)[:60]}."
            )
