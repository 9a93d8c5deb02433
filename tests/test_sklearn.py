"""The transformer of scikit-learn."""

import sys

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.neural_network import BernoulliRBM  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.utils.estimator_checks import estimator_checks_generator  # noqa: E402

import genzoo as gz  # noqa: E402
from genzoo.sklearn import RBMTransformer  # noqa: E402

ESTIMATOR = RBMTransformer(n_components=2, n_iter=1, batch_size=64)
CHECKS = {
    f"{number} {check.func.__name__}": check
    for number, (_, check) in enumerate(estimator_checks_generator(ESTIMATOR))
    # Skips itself: NumPy's arrays are all that is taken.
    if check.func.__name__ != "check_array_api_input"
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CHECKS)
def test_it_is_an_estimator(name, eagerly):
    CHECKS[name](clone(ESTIMATOR))


def fitted(x, **options):
    options = {"n_components": 3, "n_iter": 2, "random_state": 0, **options}
    return RBMTransformer(**options).fit(x)


def test_bits_train_the_rbm_as_fit_does(bits):
    found = fitted(bits)
    seed = found.rbm_.draws.seed
    rbm = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(3), seed=seed)
    rbm.compile(watch=False)
    rbm.fit(bits, epochs=2, verbose=0)
    np.testing.assert_array_equal(found.components_, np.asarray(rbm.kernel).T)
    mean = rbm.hidden_mean(bits)
    np.testing.assert_allclose(found.transform(bits), mean, rtol=1e-5)
    score = found.score_samples(bits)
    np.testing.assert_allclose(score, rbm.log_prob(bits), rtol=1e-5)
    assert found.score(bits) == pytest.approx(score.mean())


def test_it_has_the_numbers_of_scikit_learns(bits):
    peer = BernoulliRBM(n_components=3, n_iter=2, random_state=0).fit(bits)
    found = fitted(bits)
    for weight, value in (
        (found.rbm_.kernel, peer.components_.T),
        (found.rbm_.hidden.bias, peer.intercept_hidden_),
        (found.rbm_.visible.bias, peer.intercept_visible_),
    ):
        weight.assign(value)
    grey = np.random.default_rng(0).random((50, 6))
    for x in (bits.astype(float), grey):
        np.testing.assert_allclose(
            found.transform(x), peer.transform(x), rtol=1e-5
        )
        energies = found.score_samples(x) - found.score_samples(x)[0]
        expected = -peer._free_energy(x) + peer._free_energy(x)[0]
        np.testing.assert_allclose(energies, expected, atol=1e-5)
    np.testing.assert_allclose(found.components_, peer.components_, rtol=1e-6)


def test_sparse_rows_are_the_same(bits):
    sparse = pytest.importorskip("scipy.sparse").csr_matrix(bits.astype("f4"))
    one, other = fitted(sparse), fitted(bits.astype("f4"))
    np.testing.assert_array_equal(one.components_, other.components_)
    for method in ("transform", "score_samples"):
        found = getattr(one, method)(sparse)
        np.testing.assert_array_equal(found, getattr(other, method)(bits))
    again = clone(one).partial_fit(sparse).partial_fit(bits)
    assert np.abs(again.components_).max() > 0


def test_grey_levels_are_probabilities_of_bits():
    rng = np.random.default_rng(0)
    grey = np.tile(rng.random(5), (400, 1))
    options = {"n_components": 1, "n_iter": 8, "batch_size": 100}
    model = fitted(grey, **options)
    # Independent bits with these means.
    mean = model.rbm_.sample(20_000, seed=0).mean(axis=0)
    # 400 rows, whose bits are drawn anew in each epoch.
    np.testing.assert_allclose(mean, grey[0], atol=4 * 0.5 / np.sqrt(400))


def test_real_data_get_gaussian_units():
    x = 100 + 3 * np.random.default_rng(0).normal(size=(80, 2))
    found = fitted(x, batch_size=40, loss="cd")
    assert isinstance(found.rbm_.visible, gz.units.Gaussian)
    back = found.inverse_transform(found.transform(x))
    assert back.dtype == np.float64
    assert np.abs(back - 100).max() < 20
    assert list(found.get_feature_names_out()) == [
        f"rbmtransformer{i}" for i in range(3)
    ]
    for options, message in (
        ({"visible": "bernoulli"}, r"in \[0, 1\].*MinMaxScaler"),
        ({"visible": "spin"}, "visible must be one of"),
        ({"n_components": 0}, "positive int"),
    ):
        with pytest.raises(ValueError, match=message):
            fitted(x, **options)
    for wrong in (np.zeros((2, 4)), np.zeros(3), np.full((2, 3), np.nan)):
        with pytest.raises(ValueError, match="inverse_transform: X must be"):
            found.inverse_transform(wrong)


def test_in_a_pipeline_that_is_searched(bits, eagerly):
    pipe = make_pipeline(
        RBMTransformer(n_iter=1, batch_size=100, random_state=0),
        LogisticRegression(),
    )
    grid = {"rbmtransformer__n_components": [2, 4]}
    search = GridSearchCV(pipe, grid, cv=2, error_score="raise")
    search.fit(bits, bits[:, 0])
    assert search.best_score_ > 0.5


def test_without_scikit_learn_it_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    monkeypatch.delitem(sys.modules, "genzoo.sklearn")
    with pytest.raises(ImportError, match=r"pip install 'genzoo\[sklearn\]'"):
        import genzoo.sklearn  # noqa: F401
