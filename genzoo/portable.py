"""ONNX and LiteRT files: one function of a model for a small runtime.

Neither format has the generator behind genzoo's draws. A file holds a function
without randomness, or one that takes uniform numbers as inputs. All that
genzoo knows of tf2onnx and of the LiteRT converter is here.
"""

import importlib.util
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import keras
import tensorflow as tf

# Formats, and how the names of their files end.
SUFFIXES = {"onnx": ".onnx", "litert": ".tflite"}


class Portable(Protocol):
    """A model with functions that a small runtime has all operations of."""

    def portable_endpoints(
        self,
    ) -> Mapping[str, tuple[Callable, Sequence[tf.TensorSpec]]]:
        """Functions and their input signatures, by name."""


def export_portable(
    model: Portable,
    path: str | os.PathLike,
    format: str,
    endpoint: str | None = None,
    verbose: bool = False,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write one endpoint of a model as an ONNX or a LiteRT file.

    Args:
        model: a `Portable` model.
        path: the file to write, with the format's suffix.
        format: "onnx" or "litert".
        endpoint: name of the function; None takes the model's first.
        verbose: whether to print what was written.
        about: plain data that the file holds, as JSON under the name "genzoo":
            of the endpoints only the one that is written.

    Raises:
        ValueError: for a path of another suffix, an endpoint that the model
            does not have, or one whose operations the format does not have.
        ImportError: for "onnx", without the extra `onnx`.
    """
    where = f"{type(model).__name__}.export"
    path = Path(path)
    if path.suffix != SUFFIXES[format]:
        raise ValueError(
            f"{where}: format={format!r} writes one file, whose name must end "
            f"in {SUFFIXES[format]!r}; received {str(path)!r}."
        )
    held = model.portable_endpoints()
    endpoint = next(iter(held)) if endpoint is None else endpoint
    if endpoint not in held:
        raise ValueError(
            f"{where}: with format={format!r} endpoint must be one of "
            f"{', '.join(map(repr, held))} for this model; received "
            f"{endpoint!r}. What draws its own random numbers needs "
            "format='tf_saved_model'."
        )
    for package in ("tf2onnx", "onnxruntime"):
        is_missing = importlib.util.find_spec(package) is None
        if format == "onnx" and is_missing:
            raise ImportError(
                f"{where}: format='onnx' needs {package}. Install it by "
                "pip install 'genzoo[onnx]'."
            )
    function, signature = held[endpoint]
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, path.name)
        try:
            alone = _Endpoint(endpoint, function, model)
            _write(alone, made, format, signature)
            about = dict(about or {}, endpoint=endpoint)
            if "endpoints" in about:
                about["inputs"] = about.pop("endpoints")[endpoint]
            _describe(made, format, json.dumps(about, ensure_ascii=False))
        except Exception as error:  # The converters' errors are not public.
            raise ValueError(
                f"{where}: endpoint={endpoint!r} of this model cannot be "
                f"written with format={format!r}; use "
                f"format='tf_saved_model'. The converter: {_reason(error)}"
            ) from error
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, path)
    if verbose:
        print(f"Saved {endpoint!r} of {type(model).__name__} at {path}.")


class _Endpoint(keras.Model):
    """A function as the `call` of a model, which is what Keras converts."""

    def __init__(self, name, function, resource):
        # Inputs keep their dtype, whatever Keras's global policy.
        super().__init__(name=name, dtype="float32")
        self.autocast = False
        self.function = function
        self.resource = resource
        self.built = True

    def call(self, *inputs):
        found = self.function(*inputs)
        # The key names the output.
        return found if isinstance(found, dict) else {self.name: found}


def _write(endpoint, path, format, signature):
    options = {"input_signature": signature, "verbose": False}
    if format == "litert":
        # Keras's own choice also admits operations of TensorFlow, which the
        # interpreter alone does not have, and weights that could be assigned.
        builtins = tf.lite.OpsSet.TFLITE_BUILTINS
        options["target_spec"] = {"supported_ops": [builtins]}
        options["experimental_enable_resource_variables"] = False
    with warnings.catch_warnings():
        # Keras's patch of tf2onnx asks NumPy 2 for np.object.
        warnings.simplefilter("ignore", FutureWarning)
        keras.Model.export(endpoint, str(path), format=format, **options)
    if format == "onnx":
        _check_onnx(path, {spec.name for spec in signature})


def _check_onnx(path, inputs):
    """Load a file as its user will, and name the dimension of a batch."""
    import onnx
    import onnxruntime

    # Where tf2onnx has no translation it leaves TensorFlow's operation, and
    # ONNX has operations that onnxruntime lacks for some dtypes.
    session = onnxruntime.InferenceSession(
        path, providers=["CPUExecutionProvider"]
    )
    added = {value.name for value in session.get_inputs()} - inputs
    if added:
        raise ValueError(
            f"the tensors {sorted(added)} were made outside of the function; "
            "make them variables or NumPy arrays."
        )
    written = onnx.load(path)
    for value in (*written.graph.input, *written.graph.output):
        # Not all outputs have a shape.
        for size in value.type.tensor_type.shape.dim[:1]:
            size.dim_param = "batch"
    onnx.save(written, path)


def _describe(path, format, text):
    """Keep a text in a file, under the name "genzoo"."""
    if format == "onnx":
        import onnx

        written = onnx.load(path)
        onnx.helper.set_model_props(written, {"genzoo": text})
        onnx.save(written, path)
        return
    # TensorFlow's own reader and writer of its format.
    from tensorflow.lite.python.schema_py_generated import BufferT, MetadataT
    from tensorflow.lite.tools import flatbuffer_utils

    written = flatbuffer_utils.read_model(str(path))
    note, held = MetadataT(), BufferT()
    note.name, note.buffer = "genzoo", len(written.buffers)
    held.data = list(text.encode())
    written.buffers.append(held)
    written.metadata = [*(written.metadata or []), note]
    flatbuffer_utils.write_model(written, str(path))


def _reason(error):
    """What is missing, of the converters' many lines."""
    lines = str(error).splitlines() or [repr(error)]
    heads = ("TF Select ops", "Custom ops")
    missing = [line for line in lines if line.startswith(heads)]
    return (missing or lines)[0][:200]
