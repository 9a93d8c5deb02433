"""What columns tell alone, and models that know less."""

import warnings

import numpy as np
import pytest
from scipy import stats

import genzoo as gz
from genzoo.models.common.watch import independent

WARNING = "columns taken one by one"


def _rows_left_out(column, levels):
    """-<log q>, each row's q of all others, half a row added to each level."""
    each = []
    for i, value in enumerate(column):
        others = np.delete(column, i)
        found = np.sum(others == value) + 0.5
        each.append(np.log(found / (len(others) + 0.5 * len(levels))))
    return -np.mean(each)


def test_levels_have_frequencies_of_the_other_rows():
    generator = np.random.default_rng(0)
    x = generator.integers(0, 4, (30, 3))
    space = gz.spaces.Categorical([0, 1, 2, 3, 7], 3)
    expected = sum(_rows_left_out(c, range(5)) for c in x.T)
    assert independent(x, space) == pytest.approx(expected)


def test_levels_are_told_in_any_order_and_as_rounded():
    levels = [0.7, 0.1, 0.3]
    column = np.random.default_rng(4).choice(levels, 40, p=[0.6, 0.3, 0.1])
    expected = _rows_left_out(column, levels)
    space = gz.spaces.Categorical(levels, 1)
    for dtype in ("float32", "float64"):
        rows = column.astype(dtype)[:, None]
        assert independent(rows, space) == pytest.approx(expected)


def test_real_columns_are_normal():
    x = np.random.default_rng(1).gamma(2, 1e4, (50, 2))
    expected = -stats.norm(x.mean(0), x.std(0)).logpdf(x).sum(1).mean()
    assert independent(x, gz.spaces.Real(2)) == pytest.approx(expected)


def test_counts_without_end_are_told_nearly_as_by_their_law():
    x = np.random.default_rng(2).geometric(0.01, (4000, 1)) - 1
    law = -stats.geom(0.01, loc=-1).logpmf(x).mean()
    assert independent(x, gz.spaces.Counts(None, 1)) == pytest.approx(
        law, abs=0.03
    )


def test_weights_are_repetitions_but_for_the_row_itself():
    x = np.random.default_rng(3).standard_normal((40, 2))
    weight = np.arange(40) % 4
    repeated = np.repeat(x, weight, axis=0)
    space = gz.spaces.Real(2)
    assert independent(x, space, weight) == pytest.approx(
        independent(repeated, space)
    )


def test_constant_real_columns_have_no_baseline():
    x = np.ones((10, 2)) * [1, 0]
    assert independent(x, gz.spaces.Real(2)) is None


def _genes(generator):
    """Counts of a factor that all columns share: far from Poisson's."""
    cells = generator.normal(3, 1.2, (200, 1))
    return generator.poisson(np.exp(cells + generator.normal(0, 0.3, (200, 4))))


def _peaks(generator):
    return generator.beta(30, 60, (200, 4))


def _far(generator):
    """A tenth of the rows has fifteen times the others' counts."""
    many = generator.random((200, 1)) < 0.1
    return generator.poisson(np.where(many, 60, 4), (200, 4))


@pytest.mark.parametrize(
    ("units", "data"),
    [
        (gz.units.Poisson(4), _genes),
        (gz.units.UnitInterval(4), _peaks),
        (gz.units.Poisson(4), _far),
    ],
)
def test_a_fit_says_that_it_knows_less_than_columns_alone(units, data):
    x = data(np.random.default_rng(0))
    rbm = gz.RBM(units, gz.units.Bernoulli(3), seed=0)
    rbm.compile(steps_per_execution=7)
    with pytest.warns(UserWarning, match=WARNING) as told:
        history = rbm.fit(x, epochs=2, verbose=0).history
    loss = min(history["loss"])
    own = independent(x, rbm.space)
    (message,) = [str(w.message) for w in told if WARNING in str(w.message)]
    assert f"{loss:.4g} nats" in message
    assert f"have {own:.4g}" in message
    assert loss > own + 0.5


@pytest.mark.parametrize(
    ("units", "data"),
    [
        (gz.units.Bernoulli(5), lambda g: g.random((200, 5)) < 0.02),
        (gz.units.Poisson(3), lambda g: g.poisson([0.1, 5, 400], (200, 3))),
        (
            gz.units.Gaussian(3),
            lambda g: g.standard_t(2.5, (200, 3)) * [1, 1e-3, 1e4],
        ),
    ],
)
def test_noise_is_told_no_worse_than_by_columns(units, data):
    x = data(np.random.default_rng(0))
    rbm = gz.RBM(units, gz.units.Bernoulli(3), seed=0)
    rbm.compile(steps_per_execution=7)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", WARNING)
        rbm.fit(x, epochs=2, verbose=0)


def test_rules_of_labels_alone_are_not_asked_for_all():
    assert not gz.losses.Discriminative().of_all
    assert not gz.losses.Hybrid().of_all
    assert gz.losses.PersistentContrastiveDivergence().of_all
