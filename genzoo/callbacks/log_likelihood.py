"""The log-likelihood as a training curve."""

from typing import Any

import keras

from genzoo import checks
from genzoo.types import ArrayLike


class LogLikelihood(keras.callbacks.Callback):
    """Writes mean log-likelihoods into the logs, and so into `History`.

    Adds `log_likelihood` in nats, or `<name>_log_likelihood` for each of
    several data sets, and `log_likelihood_stderr`, the error of log Z that they
    share.
    Neither training nor its draws are affected.

    Args:
        x: an array of examples, or a dict of them by name, such as
            `{"train": x_train, "test": x_test}`.
        method: how log Z is found; see `log_partition`.
        every: the epochs between two values; the last of each `every`.
        **options: further arguments of `log_partition`.

    Raises:
        ValueError: if `every` is not a positive int.

    Example:
    >>> rbm = genzoo.RBM(genzoo.units.Bernoulli(64), genzoo.units.Bernoulli(8))
    >>> rbm.compile()
    >>> data = {"train": x_train, "test": x_test}
    >>> curve = genzoo.callbacks.LogLikelihood(data)
    >>> history = rbm.fit(x_train, verbose=0, callbacks=[curve])
    >>> learned = history.history["test_log_likelihood"]
    """

    def __init__(
        self,
        x: ArrayLike | dict[str, ArrayLike],
        method: str = "auto",
        every: int = 1,
        **options: Any,
    ):
        super().__init__()
        self.data = x if isinstance(x, dict) else {"": x}
        for name in options:
            checks.one_of("chains", "temperatures", "reverse", "seed")(
                name, "LogLikelihood: an option"
            )
        self.method = method
        self.every = checks.positive_int(every, "LogLikelihood: every")
        self.options = options

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Find out before the first epoch whether the data fit the model."""
        if getattr(self.model, "_counts", False):
            raise ValueError(
                "LogLikelihood: there is a log Z for each total of words; "
                "pass validation_data=x to fit, whose val_loss is -<log p> "
                "of documents given their totals, where that can be summed."
            )
        if getattr(self.model, "condition", None) is not None:
            raise ValueError(
                "LogLikelihood: the model is conditional; pass "
                "validation_data=(x, condition) to fit, whose val_loss is "
                "-<log p(x | condition)> where that can be summed."
            )
        if not hasattr(self.model, "log_partition"):
            raise ValueError(
                f"LogLikelihood: a {type(self.model).__name__} has no "
                "likelihood. Compare samples with data instead: "
                "compile(metrics=[genzoo.metrics.FrechetDistance()]) and "
                "validation_data=x in fit."
            )
        known = ("auto", *self.model._partition_methods())
        checks.one_of(*known)(self.method, "LogLikelihood: method")
        for x in self.data.values():
            self.model.space.check("LogLikelihood", x)

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Write the values of this epoch."""
        if logs is None or (epoch + 1) % self.every:
            return
        log_z = self.model.log_partition(self.method, **self.options)
        for name, x in self.data.items():
            key = f"{name}_log_likelihood" if name else "log_likelihood"
            logs[key] = float(self.model.log_prob(x).mean())
        logs["log_likelihood_stderr"] = log_z.stderr
