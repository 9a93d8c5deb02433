"""Rows with known features: against SciPy, raking and closed forms."""

import decimal
import fractions

import keras
import numpy as np
import pytest
from scipy import optimize, special

import genzoo as gz

ROWS = 300


def frames(seed=0):
    """Features of four sizes, base weights of which some are zero."""
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(ROWS, 4)) * [1, 10, 0.1, 1]
    base = generator.exponential(size=ROWS) * (generator.random(ROWS) < 0.9)
    return values + [0, 100, 0, 3], base


def by_scipy(values, base, observed, covariance):
    """Weights and multipliers, by the dual of standardised features."""
    middle, scale = values.mean(axis=0), values.std(axis=0)
    z, goal = (values - middle) / scale, (observed - middle) / scale
    error = covariance / scale / scale[:, None]
    with np.errstate(divide="ignore"):
        log_w = np.log(base / base.sum())

    def dual(x):
        log_p = log_w + z @ x
        log_z = special.logsumexp(log_p)
        p = np.exp(log_p - log_z)
        value = log_z - x @ goal + 0.5 * x @ error @ x
        return value, p @ z - goal + error @ x

    def bend(x):
        p = special.softmax(log_w + z @ x)
        return (z - p @ z).T @ (p[:, None] * (z - p @ z)) + error

    start = np.zeros(len(goal))
    found = optimize.minimize(
        dual, start, jac=True, hess=bend, method="trust-exact"
    ).x
    for _ in range(3):
        found = found - np.linalg.solve(bend(found), dual(found)[1])
    return special.softmax(log_w + z @ found), found / scale


ERRORS = {
    "exact": {},
    "each": {"observation_stderr": [0.1, 0.0, 0.02, 0.3]},
    "covariance": {},
    "singular covariance": {},
}


@pytest.mark.parametrize("kind", ERRORS)
def test_weights_are_those_of_scipy(kind):
    values, base = frames()
    observed = np.array([0.2, 102, 0.01, 3.1])
    errors = dict(ERRORS[kind])
    covariance = np.diag(np.square(errors.get("observation_stderr", [0] * 4)))
    if "covariance" in kind:
        rank = 2 if "singular" in kind else 5
        root = np.random.default_rng(1).normal(size=(4, rank)) * 0.05
        covariance = errors["observation_covariance"] = root @ root.T
    found = gz.MaxEnt.reweight(values, observed, base, **errors)
    p, multipliers = by_scipy(values, base, observed, covariance)
    np.testing.assert_allclose(found.weights, p, atol=1e-12)
    np.testing.assert_allclose(found.multipliers, multipliers, rtol=1e-6)
    np.testing.assert_allclose(found.weights.sum(), 1, atol=1e-12)
    w = base / base.sum()
    some = base > 0
    kl = np.sum(p[some] * np.log(p[some] / w[some]))
    np.testing.assert_allclose(found.entropy, -kl, atol=1e-12)
    np.testing.assert_allclose(found.effective_rows, 1 / np.sum(p**2))
    change = found.mean - observed
    # What must be met is met; of the rest, the pseudoinverse tells all.
    inverse = np.linalg.pinv(covariance, 1e-10, hermitian=True)
    chi = change @ inverse @ change
    np.testing.assert_allclose(found.chi_square, chi, atol=1e-9)
    lost = change - covariance @ inverse @ change
    np.testing.assert_allclose(lost, 0, atol=1e-10)
    np.testing.assert_allclose(
        found.density(values)[some], p[some] / w[some], rtol=1e-9
    )
    # New rows: the same formula.
    new, _ = frames(1)
    log_z = special.logsumexp(values @ found.multipliers, b=w)
    np.testing.assert_allclose(
        found.log_density(new), new @ found.multipliers - log_z, atol=1e-9
    )


def test_a_quadratic_dual_has_the_closed_form():
    # Many Gaussian rows and a small change: log Z is all but quadratic.
    generator = np.random.default_rng(2)
    values = generator.normal(size=(2000, 3))
    covariance = np.array([[2, 1, 0], [1, 3, 0.5], [0, 0.5, 1.0]])
    observed = values.mean(axis=0) + 1e-6 * np.array([1, -2, 3])
    found = gz.MaxEnt.reweight(
        values, observed, observation_covariance=covariance
    )
    own = np.cov(values.T, bias=True) + covariance
    change = 1e-6 * np.array([1, -2, 3])
    expected = np.linalg.solve(own, change)
    np.testing.assert_allclose(found.multipliers, expected, rtol=1e-4)
    error = np.linalg.solve(own, np.linalg.solve(own, covariance).T)
    np.testing.assert_allclose(
        found.multiplier_stderr, np.sqrt(np.diag(error)), rtol=1e-4
    )


SHARES = {
    "sex": {"f": 0.51, "m": 0.49},
    "region": {1: 0.1, 2: 0.2, 3: 0.0, 4: 0.7},
    "school": {"a": 0.5, "b": 0.2, "c": 0.3},
}


def survey():
    generator = np.random.default_rng(1)
    people = {
        "sex": generator.choice(["f", "m"], ROWS),
        "region": generator.integers(1, 5, ROWS),
        "school": generator.choice(list("abc"), ROWS).astype(object),
        "income": generator.exponential(size=ROWS),
    }
    return people, generator.exponential(size=ROWS)


def test_a_survey_is_raked():
    people, base = survey()
    observed = {
        **SHARES,
        ("school", "a"): 0.5,
        "school=b": 0.2,
        ("school", "c"): 0.3,
    }
    del observed["school"]
    with pytest.warns(UserWarning, match=r"MaxEnt.reweight.*region=3 \(0, the"):
        found = gz.MaxEnt.reweight(people, observed, base)
    p = base / base.sum()
    for _ in range(300):
        for column, shares in SHARES.items():
            for value, share in shares.items():
                at = people[column] == value
                if p[at].any():
                    p[at] *= share / p[at].sum()
    np.testing.assert_allclose(found.weights, p, atol=1e-12)
    none = people["region"] == 3
    assert (found.weights[none] == 0).all()
    assert found.multipliers[found.names.index("region=3")] == -np.inf
    np.testing.assert_allclose(
        found.density(people), p / (base / base.sum()), rtol=1e-9
    )
    # Not constrained, and said so.
    assert np.isnan(found.observed[found.names.index("income")])
    assert "a limit" in "\n".join(found.solution().lines())


def test_the_rows_are_saved_with_their_model(tmp_path):
    values, base = frames()
    found = gz.MaxEnt.reweight(values, [0.2, np.nan, 0.01, np.nan], base)
    assert np.isnan(found.multiplier_stderr).all()
    found.model.save(tmp_path / "rows.keras")
    again = keras.saving.load_model(tmp_path / "rows.keras")
    p = again.prob(np.arange(np.count_nonzero(base)))
    np.testing.assert_allclose(p, found.weights[base > 0], rtol=1e-12)


def test_the_size_of_errors_is_scanned():
    values, base = frames()
    truth = values @ [0.5, 0, 3, 0]
    p = special.softmax(truth)
    noise = np.random.default_rng(5).normal(size=4) * [0.1, 1, 0.01, 0.1]
    stderr = np.array([0.1, 1, 0.01, 0.1])
    found = gz.MaxEnt.reweight(
        values, p @ values + noise, base, observation_stderr=stderr
    )
    factors = [0.3, 1.0, 3.0, 30.0]
    scan = found.scan(factors, held_out=["f_2"])
    assert (np.diff(scan.chi_square) > 0).all()
    assert (np.diff(scan.entropy) > 0).all()
    assert scan.kink in factors
    for k in (0, 2):
        other = gz.MaxEnt.reweight(
            values,
            {n: found.observed[i] for i, n in enumerate(found.names) if i != 2},
            base,
            observation_stderr=stderr * factors[k],
        )
        np.testing.assert_allclose(scan.entropy[k], other.entropy, atol=1e-10)
        gap = (other.mean - found.observed) / stderr
        np.testing.assert_allclose(scan.held_out[k], gap[2] ** 2, rtol=1e-6)
        np.testing.assert_allclose(
            scan.chi_square[k], np.sum(gap[[0, 1, 3]] ** 2), rtol=1e-6
        )
    assert scan.best == factors[int(np.argmin(scan.held_out))]
    with pytest.raises(ValueError, match="nothing was held out"):
        _ = scan._replace(held_out=None).best
    with pytest.raises(ValueError, match="held_out must be names"):
        found.scan(held_out=["f_9"])


VALUES, BASE = frames()
PEOPLE = survey()[0]
WRONG = {
    "beyond": ([VALUES, [9, 100, 0, 3]], {}, "f_0 is 9; it can be between"),
    "together": ([VALUES, [2, 130, 0.1, 3]], {}, "no distribution has"),
    "shape": ([VALUES, [1, 2]], {}, "observations must be 4 numbers"),
    "nothing": ([VALUES, [np.nan] * 4], {}, "none is known"),
    "no rows": ([VALUES[:1], [0] * 4], {}, "2 to 4,194,304 rows"),
    "weights": ([VALUES, [0] * 4, BASE[:5]], {}, "one for each row"),
    "negative": ([VALUES, [0] * 4, -BASE], {}, "np.exp"),
    "missing": (
        [np.where(VALUES > 115, np.nan, VALUES), [0] * 4],
        {},
        "row .* of f_1 is nan",
    ),
    "name": ([PEOPLE, {"sexx": {"f": 0.5}}], {}, "'sexx=f'; did you mean"),
    "shares": ([PEOPLE, {"sex": {"f": 51, "m": 49}}], {}, "add up to 100"),
    "both": (
        [VALUES, [0] * 4],
        {"observation_stderr": 1, "observation_covariance": np.eye(4)},
        "leave out observation_stderr",
    ),
    "indefinite": (
        [VALUES, [0] * 4],
        {"observation_covariance": -np.eye(4)},
        "eigenvalue -1",
    ),
    "no error": (
        [VALUES, [0.1, 100, 0, 3]],
        {"observation_stderr": {"f_0": 1}},
        "lacks 'f_1'",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_named(name):
    given, options, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        gz.MaxEnt.reweight(*given, **options)


def test_combinations_at_an_end_leave_out_rows():
    rows, count = 150, 16
    generator = np.random.default_rng(count)
    values = generator.normal(size=(rows, count))
    # Two features whose sum has a most, which many rows have.
    values[:, 0] = generator.integers(1, 6, rows)
    values[:, 1] = 7 - values[:, 0] - generator.integers(0, 2, rows)
    kept = values[:, 0] + values[:, 1] == 7
    base = generator.random(rows) + 0.1
    p = kept * generator.random(rows)
    observed = p / p.sum() @ values
    with pytest.warns(UserWarning, match=r"MaxEnt.reweight.*\+1 \(f_[01]\)"):
        found = gz.MaxEnt.reweight(values, observed, base)
    # What is left has no need of the second.
    inside = np.delete(values[kept], 1, axis=1)
    other = gz.MaxEnt.reweight(inside, np.delete(observed, 1), base[kept])
    np.testing.assert_allclose(found.weights[kept], other.weights, atol=1e-11)
    np.testing.assert_array_equal(found.weights == 0, ~kept)
    np.testing.assert_allclose(found.entropy, _entropy_of(found, base))
    assert np.isinf(found.multipliers[:2]).all()
    np.testing.assert_allclose(
        found.density(values) * base / base.sum(), found.weights, atol=1e-12
    )
    # Of a new row, off the side that is left.
    beyond = values[kept][:1] + np.eye(1, count)
    assert found.density(beyond) == 0
    assert np.isfinite(found.log_partition)
    assert "a limit" in "\n".join(found.solution().lines())


def _entropy_of(found, base):
    some = found.weights > 0
    p, w = found.weights[some], (base / base.sum())[some]
    return -p @ np.log(p / w)


def test_covariances_of_any_units_weigh_alike():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(60, 3))
    observed = np.array([0.5, -0.3, 0.2])
    covariance = np.array([[4, 3, 0.5], [3, 4, 1], [0.5, 1, 2]]) / 100
    units = np.array([1e-6, 1.0, 1e7])
    plain, scaled = (
        gz.MaxEnt.reweight(
            values * unit,
            observed * unit,
            observation_covariance=covariance * np.outer(unit, unit),
        )
        for unit in (np.ones(3), units)
    )
    np.testing.assert_allclose(scaled.weights, plain.weights, rtol=1e-6)
    p, _ = by_scipy(values, np.full(60, 1 / 60), observed, covariance)
    np.testing.assert_allclose(scaled.weights, p, rtol=1e-4)
    scans = [found.scan([1, 2]).chi_square for found in (plain, scaled)]
    np.testing.assert_allclose(*scans, rtol=1e-6)


def test_small_covariances_must_be_symmetric_too():
    rows = np.random.default_rng(6).normal(size=(30, 2))
    covariance = 1e-10 * np.array([[4.0, 3.0], [1.0, 4.0]])
    with pytest.raises(ValueError, match="symmetric"):
        gz.MaxEnt.reweight(rows, [0, 0], observation_covariance=covariance)


def _objects(*values):
    found = np.empty(len(values), object)
    found[:] = values
    return found


@pytest.mark.parametrize(
    "column",
    [
        _objects(1, 2.0, np.float32(3)),
        _objects(*map(decimal.Decimal, (1, 2, 3))),
        _objects(*map(fractions.Fraction, (1, 2, 3))),
    ],
    ids=["mixed", "decimals", "fractions"],
)
def test_objects_that_are_numbers_are_numbers(column):
    plain = gz.MaxEnt.reweight(np.array([1.0, 2.0, 3.0]), [2.2]).weights
    for features, asked in (({"a": column}, {"a": 2.2}), (column, [2.2])):
        found = gz.MaxEnt.reweight(features, asked).weights
        np.testing.assert_array_equal(found, plain)


def test_rows_that_are_arrays_of_their_own():
    rows = [[1.0, 2.0], [2.0, 3.0], [4.0, 1.0]]
    held = _objects(*map(np.array, rows))
    np.testing.assert_array_equal(
        gz.MaxEnt.reweight(held, [2.2, 2.0]).weights,
        gz.MaxEnt.reweight(rows, [2.2, 2.0]).weights,
    )


@pytest.mark.parametrize(
    ("features", "told"),
    [
        (_objects(1.0, "b", 3.0), "found 'b' at 1"),
        (_objects([1.0, 2.0], [1.0], [3.0, 4.0]), r"found \[1.0, 2.0\] at 0"),
        ([[1.0], [1.0, 2.0]], "received"),
        (np.array([1, 2, 3j]), "found .*j.* at 0"),
        ({"f": _objects(1.0, None, 3.0)}, "row 1 of f is nan"),
    ],
)
def test_objects_that_are_no_numbers_are_told(features, told):
    with pytest.raises(ValueError, match=f"MaxEnt.reweight: features.*{told}"):
        gz.MaxEnt.reweight(features, {"f": 2.2})


def test_a_covariance_of_no_numbers_is_told():
    with pytest.raises(ValueError, match="covariance must have shape"):
        gz.MaxEnt.reweight(
            np.arange(3.0), [1.2], observation_covariance=[["a"]]
        )
