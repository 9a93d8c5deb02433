"""Functions as graphs, traced once."""

import tensorflow as tf


def compiled(function, *signature):
    """The graph of a function for tensors of this signature.

    Unlike a `tf.function` it cannot be traced again, and so never warns that
    it was, however many models there are.
    """
    return tf.function(
        function, input_signature=signature, autograph=False
    ).get_concrete_function()
