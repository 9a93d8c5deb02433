"""The log-likelihood as a training curve."""

import keras

from genzoo import checks


class LogLikelihood(keras.callbacks.Callback):
    """Writes mean log-likelihoods into the logs, and so into `History`.

    Adds `log_likelihood` in nats, or `<name>_log_likelihood` for each of
    several data sets, and `log_partition_stderr`, the error that they share.
    Neither training nor its draws are affected.

    Args:
        x: an array of examples, or a dict of them by name, such as
            `{"train": x_train, "test": x_test}`.
        method: how log Z is found; see `log_partition`.
        every: the epochs between two values; the last of each `every`.
        **options: further arguments of `log_partition`.

    Raises:
        ValueError: if `every` is not a positive int.
    """

    def __init__(self, x, method="auto", every=1, **options):
        super().__init__()
        self.data = x if isinstance(x, dict) else {"": x}
        self.method = method
        self.every = checks.positive_int(every, "LogLikelihood: every")
        self.options = options

    def on_train_begin(self, logs=None):
        """Find out before the first epoch whether the data fit the model."""
        for x in self.data.values():
            self.model._checked("LogLikelihood", x)

    def on_epoch_end(self, epoch, logs=None):
        """Write the values of this epoch."""
        if logs is None or (epoch + 1) % self.every:
            return
        log_z = self.model.log_partition(self.method, **self.options)
        for name, x in self.data.items():
            key = f"{name}_log_likelihood" if name else "log_likelihood"
            logs[key] = float(self.model.log_prob(x).mean())
        logs["log_partition_stderr"] = log_z.stderr
