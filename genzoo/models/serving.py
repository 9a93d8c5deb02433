"""What an exported model serves, and the card that goes with it."""

import json
import zlib

import numpy as np
import tensorflow as tf

from genzoo.export import export
from genzoo.portable import SUFFIXES, export_portable

# The arguments that have the same name in all models.
COUNT = tf.TensorSpec((), tf.int32, "n")
SEED = tf.TensorSpec((2,), tf.int64, "seed")
STEPS = tf.TensorSpec((), tf.int32, "steps")


class Serving:
    """The part of `GenerativeModel` that is exported."""

    _card = (None, None)

    @property
    def card(self):
        """The card of the preset that this model is, a dict, or None.

        It is None for a model of one's own, and for a preset that was trained
        on: the numbers on the card are those of other weights.
        """
        text, of = self._card
        is_same = text is not None and of == fingerprint(
            self.trainable_variables
        )
        return json.loads(text) if is_same else None

    @card.setter
    def card(self, card):
        # As text, which Keras does not search for layers.
        text = json.dumps(card, indent=2, ensure_ascii=False)
        self._card = text, fingerprint(self.trainable_variables)

    def endpoints(self):
        """Dict from names to (function, input signature), for `export`.

        The first is `serve`, which gives what `call` gives.
        """
        raise NotImplementedError

    def portable_endpoints(self):
        """Those of `endpoints` that draw nothing, for ONNX and LiteRT.

        Energies add a `gibbs` of which the uniform numbers are inputs, where
        all that is drawn is discrete.
        """
        return {
            name: (function, signature)
            for name, (function, signature) in self.endpoints().items()
            if SEED not in signature
        }

    def export(
        self, filepath, format="tf_saved_model", verbose=None, endpoint=None
    ):
        """Write a SavedModel, which serves without genzoo and without Keras.

        The endpoints have the same names in all models; batches have any
        length, and chance comes from the seed, two ints, alone:

        - `serve`, the default: what `call` gives. `serve(x)` is the energy
          of examples, `serve(z)` or `serve(z, labels)` a GAN's G(z).
        - `generate(n, seed, steps)`, of a GAN `generate(n, seed)` or
          `generate(n, seed, labels)`: what `sample` gives for the same seed.
        - `energy(x)`: in nats; of an RBM the free energy of visible units.
        - `log_prob(x)`: if log Z is known for the weights; call
          `log_partition` before.
        - `gibbs(x, seed, steps)`: what `sample` gives with `start=x`.
        - `hidden_mean(x)`, of an RBM.
        - `score(x)` or `score(x, labels)`: a GAN's logits, without packing.

        Load it by `genzoo.load_exported`, or where there is no genzoo by
        `tf.saved_model.load`. The card of a preset is among the assets, as
        `metadata.json`.

        A file of the formats "onnx" and "litert" holds one endpoint, which
        draws nothing itself: `serve`, `energy`, `log_prob`, `hidden_mean` or
        `score` as above, or one Gibbs sweep of a model of discrete variables,
        as a function of numbers that are uniform in [0, 1):

        - `gibbs(x, u_hidden, u_visible)` of an RBM, the numbers of shape
          (batch, units).
        - `gibbs(x, u)` of a pairwise `MaxEnt`, u of shape (batch, sites).

        Args:
            filepath: the folder to write; the file, which must end in
                ".onnx" or ".tflite", in these formats.
            format: "tf_saved_model", "onnx" (extra `onnx`) or "litert".
            verbose: whether to print the endpoints.
            endpoint: what a file of one endpoint holds; None is `serve`.

        Raises:
            ValueError: for another format, an endpoint that the format or the
                model does not have, or a file of another suffix.
            ImportError: for "onnx" without the extra.

        Example:
        >>> rbm.export("served/rbm")
        >>> served = tf.saved_model.load("served/rbm")
        >>> served.generate(16, [0, 1], 1000)  # rbm.sample(16, seed=(0, 1))
        """
        if format in SUFFIXES:
            export_portable(self, filepath, format, endpoint, bool(verbose))
            return
        if format != "tf_saved_model" or endpoint is not None:
            raise ValueError(
                f"{type(self).__name__}.export: format must be "
                "'tf_saved_model', which holds all endpoints, or 'onnx' or "
                "'litert', which hold one; received "
                f"format={format!r} and endpoint={endpoint!r}."
            )
        export(filepath, self.endpoints(), self, self.card, bool(verbose))


def fingerprint(variables):
    """A number that changes with any of these variables."""
    found = 0
    for variable in variables:
        found = zlib.crc32(np.ascontiguousarray(variable.numpy()), found)
    return found
