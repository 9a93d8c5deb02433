"""TensorFlow Probability, imported when something first needs it.

The import takes about a second and loads Keras 2 as tf_keras.
"""

import contextlib

import tensorflow as tf


def effective_sample_size(series):
    """The number of independent draws that correlated ones are worth.

    Args:
        series: tensor of shape (draws, chains), one number per draw.

    Returns:
        A float tensor (chains,): draws / (1 + 2 sum of autocorrelations), the
        sum cut where pairs of them turn negative.

    Reference:
        Geyer, "Practical Markov chain Monte Carlo", Statistical Science 7,
        1992.
    """
    import tensorflow_probability as tfp

    with _quiet():
        return tfp.mcmc.effective_sample_size(
            tf.convert_to_tensor(series),
            filter_beyond_positive_pairs=True,
        )


@contextlib.contextmanager
def _quiet():
    # Its Fourier transforms warn of dropping imaginary parts that are zero.
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)
