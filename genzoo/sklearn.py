"""An RBM as a transformer of scikit-learn; the extra `sklearn` brings that.

>>> from genzoo.sklearn import RBMTransformer
>>> RBMTransformer(n_components=9, n_iter=1).fit_transform(x_train[:100]).shape
(100, 9)
"""

from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from genzoo.models import RBM
from genzoo.models.common.given import Given
from genzoo.runtime import data, random
from genzoo.runtime.sparse import SparseRows
from genzoo.runtime.streams import Redrawn
from genzoo.types import Array, ArrayLike
from genzoo.units import Bernoulli, Gaussian

try:
    from sklearn.base import (
        BaseEstimator,
        ClassNamePrefixFeaturesOutMixin,
        TransformerMixin,
    )
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "genzoo.sklearn needs scikit-learn 1.6 or later: "
        f"pip install 'genzoo[sklearn]' ({error})."
    ) from error

__all__ = ["RBMTransformer"]


class RBMTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Mean hidden states of a restricted Boltzmann machine as features.

    The counterpart of `sklearn.neural_network.BernoulliRBM`, with genzoo's
    learning rules, its start and its likelihood. Data in [0, 1] get Bernoulli
    visible units. Numbers between 0 and 1 are probabilities: bits are drawn
    of them, anew in each epoch, to learn from; features are those of the
    probabilities themselves. Other data get Gaussian visible units. Sparse
    matrices are made dense batch by batch.

    Args:
        n_components: number of hidden units, Bernoulli ones.
        learning_rate: of stochastic gradient descent; None takes genzoo's
            default, `genzoo.optimizers.Falling`, which finds its own.
        batch_size: rows of a batch; None takes a hundredth of the rows,
            within 4 and 128.
        n_iter: passes over the data in `fit`.
        loss: a learning rule of `genzoo.losses` or its name.
        visible: "bernoulli", "gaussian", or "auto", which looks at the data.
        verbose: as in `keras.Model.fit`; the log shows the likelihood.
        random_state: int, `RandomState` or None, as in scikit-learn.

    Attributes:
        rbm_: the fitted `genzoo.RBM`, which samples, saves and exports.
        components_: array of shape (n_components, n_features).
        intercept_hidden_: array of shape (n_components,).
        intercept_visible_: array of shape (n_features,).
        n_features_in_: number of features of X.

    Example:
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> features = RBMTransformer(n_components=16, n_iter=1, random_state=0)
    >>> model = make_pipeline(features, LogisticRegression())
    >>> model = model.fit(x_train[:200], x_train[:200, 20])
    >>> model.predict(x_train[200:205]).shape
    (5,)
    """

    def __init__(
        self,
        n_components: int = 256,
        *,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        n_iter: int = 10,
        loss: Any = "auto",
        visible: str = "auto",
        verbose: int = 0,
        random_state: Any = None,
    ):
        self.n_components = n_components
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.loss = loss
        self.visible = visible
        self.verbose = verbose
        self.random_state = random_state

    # Learning ---------------------------------------------------------------

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Train a new RBM.

        Args:
            X: array or sparse matrix of shape (n_samples, n_features).
            y: ignored.

        Raises:
            ValueError: for data that are not finite numbers, or beyond [0, 1]
                with visible="bernoulli".
        """
        x = self._validated(X, reset=True)
        self._make(x)
        rows = self.batch_size or self.rbm_._batch_size_for(Given(x))
        options: Any = {"epochs": self.n_iter, "verbose": self.verbose}
        if self._are_probabilities(x):
            x = Redrawn(x, rows, self.rbm_.draws, _bits)
            self.rbm_.fit(x, **options)
        else:
            self.rbm_.fit(x, batch_size=rows, **options)
        return self

    def partial_fit(self, X: ArrayLike, y: Any = None) -> Self:
        """One update, of X as one batch; the first makes the RBM.

        Args:
            X: array or sparse matrix of shape (n_samples, n_features).
            y: ignored.

        Raises:
            ValueError: as `fit`.
        """
        is_new = not hasattr(self, "rbm_")
        x = self._validated(X, reset=is_new)
        if is_new:
            self._make(x)
        x = np.asarray(x)
        self._check_range(x)
        if self._are_probabilities(x):
            x = _bits(x, random.as_seed(self.rbm_.draws.epoch_key()))
        self.rbm_.train_on_batch(x)
        return self

    def _validated(self, X, reset=False):
        x = validate_data(
            self,
            X,
            reset=reset,
            accept_sparse="csr",
            dtype=[np.float32, np.float64],
        )
        return data.as_array(x, wide=True)

    def _make(self, x):
        known = ("auto", "bernoulli", "gaussian")
        if self.visible not in known:
            raise ValueError(
                f"RBMTransformer: visible must be one of {known}; received "
                f"{self.visible!r}."
            )
        low, high = _range(x)
        is_real = self.visible == "gaussian" or (
            self.visible == "auto" and (low < 0 or high > 1)
        )
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        unit = (Gaussian if is_real else Bernoulli)(x.shape[1])
        rbm = RBM(unit, Bernoulli(self.n_components), seed=int(seed))
        optimizer = None
        if self.learning_rate is not None:
            optimizer = keras.optimizers.SGD(self.learning_rate)
        # Without a log nobody sees the likelihood.
        rbm.compile(optimizer, self.loss, watch=bool(self.verbose))
        self.rbm_ = rbm
        self._check_range(x)

    def _check_range(self, x):
        low, high = _range(x)
        if isinstance(self.rbm_.visible, Bernoulli) and (low < 0 or high > 1):
            raise ValueError(
                "RBMTransformer: X must lie in [0, 1] for Bernoulli units; "
                f"found values in [{low:g}, {high:g}]. Scale it, for example "
                "by sklearn.preprocessing.MinMaxScaler, or pass "
                "visible='gaussian'."
            )

    def _are_probabilities(self, x):
        if not isinstance(self.rbm_.visible, Bernoulli):
            return False
        values = x.values if isinstance(x, SparseRows) else x
        return bool(((values != 0) & (values != 1)).any())

    # What was learned -------------------------------------------------------

    @property
    def _n_features_out(self) -> int:
        return self.rbm_.hidden.width

    @property
    def components_(self) -> Array:
        """The kernel, transposed."""
        return np.asarray(self.rbm_.kernel).T

    @property
    def intercept_hidden_(self) -> Array:
        """The hidden bias."""
        return np.asarray(self.rbm_.hidden.bias)

    @property
    def intercept_visible_(self) -> Array:
        """The visible bias."""
        return np.asarray(self.rbm_.visible.bias)

    def transform(self, X: ArrayLike) -> Array:
        """<h | v> of each row v of X, (n_samples, n_components)."""
        x = self._seen(X)
        hidden = self.rbm_.hidden
        found = self._in_batches(x, lambda v, field: hidden.mean(field))
        return found.astype(x.dtype)

    def inverse_transform(self, X: ArrayLike) -> Array:
        """<v | h> of hidden states or their means, (n_samples, n_features).

        Args:
            X: array of shape (n_samples, n_components), as of `transform`.

        Raises:
            ValueError: for another number of columns, or no finite numbers.
        """
        check_is_fitted(self)
        h = np.asarray(X, np.float32)
        width = self.rbm_.hidden.width
        if h.ndim != 2 or h.shape[1] != width or not np.isfinite(h).all():
            raise ValueError(
                "RBMTransformer.inverse_transform: X must be finite numbers "
                f"of shape (n_samples, {width}); received shape {h.shape}."
            )
        field = self.rbm_._machine.visible_field(tf.constant(h))
        visible = self.rbm_.visible
        found = visible.restore(visible.mean(field)).numpy()
        return found.astype(getattr(X, "dtype", np.float32))

    def score_samples(self, X: ArrayLike) -> Array:
        """log p(x) of each row in nats, (n_samples,): -E(x) - log Z.

        log Z is exact for small layers and annealed for large ones, once for
        a model; `rbm_.log_partition` tells its error. For probabilities x it
        is at most the mean of log p over the bits that are drawn of them. (It
        is a likelihood: `BernoulliRBM` gives a pseudolikelihood.)
        """
        x = self._seen(X)
        visible, hidden = self.rbm_.visible, self.rbm_.hidden

        def minus_energy(v, field):
            scale = tf.cast(visible.log_scale(), v.dtype)
            return visible.potential(v) - scale + hidden.log_cumulant(field)

        return self._in_batches(x, minus_energy) - self.rbm_._log_z()

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """The mean of `score_samples`, by which searches compare."""
        return float(self.score_samples(X).mean())

    def _in_batches(self, x, function):
        """A function of visible states and their fields, in float64.

        So a row's result does not depend on the others.
        """
        visible = self.rbm_.visible
        kernel = tf.cast(self.rbm_.kernel, tf.float64)
        size = data.rows_at_once(x)
        parts = []
        for first in range(0, len(x), size):
            v = visible.standardise(tf.constant(x[first : first + size]))
            v = tf.cast(v, tf.float64)
            parts.append(function(v, tf.matmul(v, kernel)).numpy())
        return np.concatenate(parts)

    def _seen(self, X):
        check_is_fitted(self, "rbm_")
        x = self._validated(X)
        self._check_range(x)
        return x

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "rbm_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _range(x):
    values = x.values if isinstance(x, SparseRows) else x
    ends = [float(end(values)) for end in (np.min, np.max) if values.size]
    # Between the values that a sparse matrix holds are zeros.
    return min(ends, default=0.0), max(ends, default=0.0)


def _bits(probabilities, seed):
    """Bits drawn of probabilities, float32."""
    p = tf.cast(probabilities, tf.float32)
    return random.bernoulli(p, seed).numpy()
