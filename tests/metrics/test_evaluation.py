import json

import keras
import numpy as np
import pytest

from genzoo import metrics


def normal(n, seed, shift=0.0, correlation=0.9):
    x = np.random.default_rng(seed).standard_normal((n, 2))
    x[:, 1] = correlation * x[:, 0] + np.sqrt(1 - correlation**2) * x[:, 1]
    return (x + shift).astype("float32")


class Normal:
    def __init__(self, **options):
        self.options = options

    def sample(self, n, seed):
        return normal(n, [7, *seed], **self.options)


@pytest.fixture(scope="module")
def table():
    models = {
        "good": Normal(),
        "shifted": Normal(shift=1.0),
        "array": normal(3000, 5),
    }
    return metrics.evaluate_generative(
        models,
        normal(4000, 0),
        normal(1000, 1),
        [
            metrics.FrechetDistance(name="fd"),
            metrics.DensityCoverage(name="balls"),
        ],
    )


def test_rows_stand_in_the_order_that_is_true(table):
    assert list(table.rows) == [
        "train against test",
        "independent pixels",
        "good",
        "shifted",
        "array",
    ]
    assert table.columns == ["fd", "balls density", "balls coverage"]
    values = {name: row["fd"].value for name, row in table.rows.items()}
    # The covariance lost is [[1, .9], [.9, 1]] against the unit matrix.
    lost = 4 - 2 * (np.sqrt(1.9) + np.sqrt(0.1))
    assert values["independent pixels"] == pytest.approx(lost, abs=0.15)
    assert values["shifted"] == pytest.approx(2, abs=0.3)
    for name in ("train against test", "good", "array"):
        assert values[name] < 0.02
    covered = {n: row["balls coverage"].value for n, row in table.rows.items()}
    assert covered["shifted"] < covered["good"] - 0.1
    for row in table.rows.values():
        assert all(estimate.stderr > 0 for estimate in row.values())


def test_the_same_numbers_as_text_json_and_picture(table, tmp_path):
    lines = str(table).splitlines()
    assert len(lines) == 1 + len(table.rows)
    assert "balls coverage" in lines[0]
    assert lines[4].startswith("shifted")
    text = table.to_json(tmp_path / "table.json")
    read = json.loads((tmp_path / "table.json").read_text())
    assert read == json.loads(text)
    for name, row in table.rows.items():
        for key, estimate in row.items():
            assert read[name][key]["value"] == estimate.value
            assert read[name][key]["stderr"] == estimate.stderr
    table.draw(tmp_path / "table.png")
    assert (tmp_path / "table.png").stat().st_size > 5000


def test_the_result_follows_from_the_seed():
    def found(seed):
        table = metrics.evaluate_generative(
            {"good": Normal()},
            normal(300, 0),
            normal(100, 1),
            [metrics.FrechetDistance(name="fd")],
            seed=seed,
        )
        return table.to_json()

    assert found(1) == found(1)
    assert found(1) != found(2)


def test_bad_arguments_are_named():
    x, distance = normal(50, 0), [metrics.FrechetDistance()]
    evaluate = metrics.evaluate_generative
    with pytest.raises(ValueError, match="same shape but for the rows"):
        evaluate({}, x, x[:, :1], distance)
    with pytest.raises(ValueError, match="repeats must be an int of at least"):
        evaluate({}, x, x, distance, repeats=1)
    with pytest.raises(ValueError, match="must be keras.metrics.Metric"):
        evaluate({}, x, x, [keras.losses.MeanSquaredError()])
    with pytest.raises(ValueError, match="'few' has 10 rows; 25 are compared"):
        evaluate({"few": x[:10]}, x, x, distance)
    with pytest.raises(ValueError, match="samples of 'flat' have shape"):
        evaluate({"flat": np.zeros((50, 3))}, x, x, distance)
