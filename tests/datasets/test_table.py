"""Tables as vectors and back, against ranks and tables made by hand."""

import datetime

import keras
import numpy as np
import pytest
from scipy import stats

import genzoo as gz

Table = gz.datasets.Table


class Frame:
    """What Table asks of a frame of pandas."""

    def __init__(self, columns):
        self._columns = dict(columns)
        self.columns = list(self._columns)

    def __getitem__(self, name):
        return self._columns[name]


class Categorical:
    """A column of pandas's dtype category."""

    dtype = "category"

    def __init__(self, values):
        self._values = values

    def to_numpy(self):
        return np.array(self._values)


class Bootstrap:
    """A model that knows all: it draws rows of what it is given."""

    def __init__(self, rows):
        self.rows = rows

    def sample(self, n, seed=None):
        key = None if seed is None else gz.runtime.random.as_seed(seed).key
        rng = np.random.default_rng(None if key is None else abs(key.numpy()))
        return self.rows[rng.integers(0, len(self.rows), n)]


def survey(n=3000, seed=4):
    """Columns as forms have them."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(
        ["Adélie", "", "b c", "rare"], n, p=[0.5, 0.3, 0.18, 0.02]
    )
    income = np.exp(rng.normal(10, 2, n))
    income[rng.random(n) < 0.3] = 0.0
    days = rng.integers(0, 9000, n).astype("timedelta64[D]")
    weight = rng.normal(-3e6, 1e-1, n)
    weight[rng.random(n) < 0.2] = np.nan
    born = np.datetime64("1994-11-05") + days
    born[::7] = np.datetime64("NaT")
    return {
        "kind": kind,
        "income": income,
        "age": rng.integers(18, 95, n).astype("uint8"),
        "member": rng.random(n) < 0.1,
        "weight": weight,
        "born": born,
        "grade": np.array([None, "A", "B"], object)[rng.integers(0, 3, n)],
        "country": np.full(n, "NL"),
        7: np.full(n, 12),
    }


@pytest.fixture(scope="module")
def data():
    return survey()


def test_what_was_encoded_comes_back(data):
    table = Table(data)
    x = table.encode(data)
    assert x.dtype == np.float32
    assert x.shape == (3000, table.width) == (3000, 4 + 1 + 1 + 2 + 2 + 2 + 3)
    found = table.decode(x)
    assert list(found) == list(data)
    for name in ("kind", "age", "member", "grade", "country", 7):
        np.testing.assert_array_equal(found[name], data[name])
    assert found["age"].dtype == np.int64
    assert found["member"].dtype == bool
    np.testing.assert_allclose(found["income"], data["income"], rtol=1e-4)
    # Exactly zero where it was zero.
    np.testing.assert_array_equal(found["income"] == 0, data["income"] == 0)
    np.testing.assert_allclose(found["weight"], data["weight"], rtol=1e-9)
    off = found["born"] - data["born"]
    assert np.array_equal(np.isnat(found["born"]), np.isnat(data["born"]))
    assert np.nanmax(np.abs(off[~np.isnat(off)])) < np.timedelta64(1, "D")


def test_numbers_become_normal_by_their_ranks(data):
    table = Table({"x": data["income"]})
    z = table.encode(data | {"x": data["income"]})[:, 0]
    assert stats.kstest(z, "norm").pvalue > 1e-3
    positive = data["income"] > 0
    rank = stats.rankdata(data["income"])[positive] - 0.5
    expected = stats.norm.ppf(rank / len(z))
    np.testing.assert_allclose(z[positive], expected, atol=0.15)
    assert np.abs(z[positive] - expected).mean() < 2e-3
    # Zeros lie evenly below.
    share = stats.norm.cdf(z[~positive]) / (~positive).mean()
    assert stats.kstest(share, "uniform").pvalue > 1e-3
    # New rows beyond what was seen are at its ends.
    far = table.decode(table.encode({"x": [-5.0, 1e30]}))["x"]
    assert far.tolist() == [0.0, data["income"].max()]


def test_a_few_numbers_keep_their_shares():
    counts = np.repeat([0, 1, 5], [700, 200, 100])
    table = Table({"x": counts})
    normal = np.random.default_rng(0).standard_normal((20000, 1))
    values, found = np.unique(table.decode(normal)["x"], return_counts=True)
    assert values.tolist() == [0, 1, 5]
    assert stats.chisquare(found, [14000, 4000, 2000]).pvalue > 1e-3


def test_a_frame_comes_back_as_a_frame_and_a_file_as_the_table(data, tmp_path):
    frame = Frame({"a": Categorical([3, 1, 3]), "b": [1.5, 2.5, None]})
    table = Table(frame)
    found = table.decode(table.encode(frame))
    assert type(found) is Frame
    assert found["a"].tolist() == [3, 1, 3]
    np.testing.assert_array_equal(found["b"], [1.5, 2.5, np.nan])
    table = Table(data, categorical=["age"])
    assert table.columns[2].width == 77
    table = Table(data)
    table.save(tmp_path / "table.json")
    again = Table.load(tmp_path / "table.json")
    x = table.encode(data, seed=3)
    np.testing.assert_array_equal(again.encode(data, seed=3), x)
    for one, other in zip(
        again.decode(x).values(), table.decode(x).values(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    (tmp_path / "other").write_text('{"columns": [{"type": "os.system"}]}')
    with pytest.raises(ValueError, match="config must be what get_config"):
        Table.load(tmp_path / "other")


def test_rows_that_are_meant_have_the_distribution_given_that(data):
    table = Table(data)
    model = Bootstrap(table.encode(data))
    meant = {"kind": ["rare", "b c"], "age": (30, 39), "member": False}
    found = table.sample(model, 800, seed=1, where=meant)
    again = table.sample(model, 800, seed=1, where=meant)
    for name in found:
        np.testing.assert_array_equal(found[name], again[name])
    good = (
        np.isin(data["kind"], ["rare", "b c"])
        & (data["age"] >= 30)
        & (data["age"] <= 39)
        & ~data["member"]
    )
    assert len(found["age"]) == 800
    assert set(found["kind"]) <= {"rare", "b c"}
    values, counts = np.unique(found["age"], return_counts=True)
    shares = [(data["age"][good] == value).mean() for value in values]
    assert stats.chisquare(counts, 800 * np.array(shares)).pvalue > 1e-3
    rich = {"income": lambda income: income > 1e6}
    assert table.sample(model, 3, seed=0, where=rich)["income"].min() > 1e6


def test_dates_of_python_are_dates_in_universal_time():
    zone = datetime.timezone(datetime.timedelta(hours=2))
    noon = datetime.datetime(2026, 3, 1, 12, tzinfo=zone)
    times = [noon, None, noon + datetime.timedelta(days=40)]
    days = [datetime.date(2020, 1, 1), datetime.date(2020, 2, 1), None]
    data = {"time": times, "day": days}
    found = Table(data)
    found = found.decode(found.encode(data))
    for name, expected in (
        ("time", ["2026-03-01T10", "NaT", "2026-04-10T10"]),
        ("day", ["2020-01-01", "2020-02-01", "NaT"]),
    ):
        expected = np.array(expected, "datetime64[ns]")
        np.testing.assert_array_equal(found[name], expected)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Table(np.ones((3, 2))), "must be a frame .* received ndarray"),
        (lambda: Table({}), "must have columns"),
        (lambda: Table({"a": [1, 2], "b": [1]}), r"one length.*'b': 1"),
        (lambda: Table({"a": [1.0, np.inf]}), "'a' holds infinite numbers"),
        (lambda: Table({"a": [np.nan] * 3}), "nothing is known of column 'a'"),
        (
            lambda: Table({"id": [f"row {i}" for i in range(99)]}),
            "'id' has 99 different values in 99 rows, as names have",
        ),
        (lambda: Table({"a": [1]}, categorical="a"), "a list of names"),
        (
            lambda: Table({"a": [1, 2]}).encode({"b": [1]}),
            "has no column 'a'; it has",
        ),
        (
            lambda: Table({"a": [1.5, 2]}).encode({"a": [1, np.nan]}),
            "1 missing values, but none was missing",
        ),
        (
            lambda: Table({"a": ["x", "y"]}).encode({"a": ["x", "z"]}),
            "'a' holds 'z', which is none of its values",
        ),
        (
            lambda: Table({"a": [1, 2]}).decode(np.ones((3, 4))),
            r"must have shape \(n, 1\); received \(3, 4\)",
        ),
        (
            lambda: Table({"a": ["x", "y"]}).sample(
                Bootstrap(np.eye(2)), 2, where={"a": "z"}
            ),
            "column 'a' is never 'z'; it is one of 2: 'x', 'y'",
        ),
        (
            lambda: Table({"a": [1, 2]}).sample(None, 2, where={"c": 1}),
            r"no column 'c'; columns are \['a'\]",
        ),
        (
            lambda: Table({"a": [1, 2]}).sample(
                Bootstrap(np.zeros((1, 1))), 2, seed=0, where={"a": (3, 4)}
            ),
            r"column 'a' is never \(3, 4\); it is whole from 1 to 2",
        ),
        (
            lambda: Table({"a": [1.5, 9.0]}).sample(
                Bootstrap(np.zeros((1, 1))),
                2,
                where={"a": lambda column: column > 10},
            ),
            "rows 0 are so that",
        ),
        (lambda: gz.networks.tabular(5), "must be a genzoo.datasets.Table"),
        (
            lambda: gz.networks.tabular(Table({"a": [1, 1]})),
            "no column of the table varies",
        ),
    ],
)
def test_what_is_wrong_is_told(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_gan_learns_a_table():
    rng = np.random.default_rng(5)
    kind = rng.choice(["a", "b"], 1000, p=[0.75, 0.25])
    length = np.exp(rng.normal(np.where(kind == "a", 0.0, 6.0), 0.5))
    data = {"kind": kind, "length": length}
    table = Table(data)
    keras.utils.set_random_seed(1)
    gan = gz.GAN(*gz.networks.tabular(table, width=32), seed=1)
    gan.compile(steps_per_execution=10)
    gan.fit(table.encode(data), epochs=20, verbose=0)
    found = table.sample(gan, 2000, seed=2)
    share = (found["kind"] == "a").mean()
    # A GAN gives too much to the greater part: 0.82 of 0.75 in six fits.
    assert 0.65 < share < 0.9
    for name, middle in (("a", 0.0), ("b", 6.0)):
        own = np.log(found["length"][found["kind"] == name])
        assert abs(np.median(own) - middle) < 0.5


def test_times_and_large_numbers_come_back_or_are_refused(tmp_path):
    hours = np.array([1, 30, "NaT", 2], "timedelta64[h]")
    days = [datetime.timedelta(days=2), None, datetime.timedelta(hours=1), None]
    # More days than there are knots: samples lie between, without a time.
    dates = np.datetime64("1970-03-01") + 7 * np.arange(400)
    for name, column in (("a", hours), ("b", days)):
        table = Table({name: column})
        found = table.decode(table.encode({name: column}))[name]
        expected = np.array(column, "timedelta64[ns]")
        np.testing.assert_array_equal(found, expected)
    table = Table({"born": dates})
    table.save(tmp_path / "dates.json")
    table = Table.load(tmp_path / "dates.json")
    found = table.decode(np.random.default_rng(0).normal(size=(99, 1)))["born"]
    np.testing.assert_array_equal(found, found.astype("datetime64[D]"))
    large = {"x": [1e25, -3e30, 0.0, 1e300]}
    table = Table(large)
    assert table.decode(table.encode(large))["x"].tolist() == large["x"]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (np.array(["9999-12-31", "2020-01-01"], "datetime64[D]"), "9999-12-31"),
        ([datetime.date(1500, 1, 1), datetime.date(2000, 1, 1)], "1500-01-01"),
        (np.array([3000, 1], "timedelta64[W]") * 10, "nanoseconds in 64 bits"),
        (np.array([2**53 + 1, 4]), r"integers of up to 9.01e\+15"),
        (np.array([2**64 - 1, 3], "uint64"), "integers of up to"),
        (np.array([2**70, None], object), "integers of up to"),
        ([1j, 2.0], "complex numbers"),
        ([b"a", b"b"], "holds bytes"),
        (np.array([[1], [2, 3]], object), "it holds lists"),
    ],
)
def test_what_would_come_back_as_something_else_is_refused(column, words):
    with pytest.raises(ValueError, match=f"column 'a' .*{words}"):
        Table({"a": column})


def test_dates_are_no_numbers():
    dates = {"a": np.datetime64("2020-01-01") + np.arange(9)}
    numbers = {"a": np.arange(9.0)}
    with pytest.raises(ValueError, match="holds dates; .* it held numbers"):
        Table(numbers).encode(dates)
    with pytest.raises(ValueError, match="holds numbers; .* it held dates"):
        Table(dates).encode(numbers)


def test_what_is_meant_may_be_said_in_many_ways(data):
    table = Table(data)
    model = Bootstrap(table.encode(data))
    born = data["born"]
    day = born[~np.isnat(born)].min() + np.timedelta64(90, "D")
    early = (np.datetime64("1990"), day)

    def drawn(**where):
        (name,) = where
        return table.sample(model, 40, seed=2, where=where)[name]

    for least in (None, datetime.date(1990, 1, 1), "1990-01-01"):
        for most in (day, str(day), day.item()):
            found = drawn(born=(least, most))
            np.testing.assert_array_equal(found, drawn(born=early))
            assert (found <= day).all()
    for missing in (None, np.nan, np.datetime64("NaT")):
        assert np.isnat(drawn(born=missing)).all()
        assert np.isnan(drawn(weight=missing)).all()
    assert set(drawn(age=np.array([30, 31])).tolist()) <= {30, 31}
    assert set(drawn(age=range(30, 32)).tolist()) <= {30, 31}
    assert (drawn(income=0) == 0).all()


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"age": (40, 20)}, "the least of a pair stands first"),
        ({"age": 17}, "column 'age' is never 17; it is whole from 18 to 94"),
        ({"age": 18.5}, "is never 18.5"),
        ({"age": "30"}, "is whole from 18 to 94; received '30'"),
        ({"age": None}, "is never None"),
        ({"income": 12.5}, "is never 12.5; it is real .* means a range"),
        ({"born": 5}, "is day from 1994-11-0.*some missing; received 5"),
        ({"born": "soon"}, "received 'soon'"),
        ({"born": "2400-01-01"}, "received '2400-01-01'"),
        ("kind", "where must be a dict"),
    ],
)
def test_what_is_never_so_is_told_before_anything_is_drawn(data, where, words):
    table = Table(data)
    with pytest.raises(ValueError, match=words):
        table.sample(Bootstrap(None), 2, where=where)


def test_only_what_a_file_holds_is_saved(tmp_path):
    for data in ({("a", 1): [1.0, 2.0]}, {"a": [datetime.time(1), None]}):
        with pytest.raises(ValueError, match="which a file does not hold"):
            Table(data).save(tmp_path / "table.json")
    assert not list(tmp_path.iterdir())
    for text in ("[1]", '{"columns": "abc"}', '{"columns": []}'):
        (tmp_path / "other.json").write_text(text)
        with pytest.raises(ValueError, match="Table.from_config: config"):
            Table.load(tmp_path / "other.json")
