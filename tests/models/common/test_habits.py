"""What users type without reading: done right, or told what to do."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.runtime import random

N, WIDTH = 30, 5
SEED = random.as_seed(0)
ALL = np.array(list(itertools.product([0.0, 1.0], repeat=WIDTH)))
RNG = np.random.default_rng(0)
BITS = (RNG.random((N, WIDTH)) < 0.4).astype("float32")
WEIGHT = RNG.integers(0, 3, N).astype(float)
GAPS = np.where(RNG.random(BITS.shape) < 0.3, np.nan, BITS)


class Frame(dict):
    """Columns by name, as pandas and polars have them."""

    dtypes = property(lambda self: [c.dtype for c in self.values()])
    columns = property(lambda self: list(self))
    shape = property(lambda self: (len(next(iter(self.values()))), len(self)))
    __iter__ = dict.__iter__

    def to_numpy(self, dtype=None, na_value=None):
        return np.stack(list(self.values()), axis=1)


@pytest.fixture(scope="module")
def rbm():
    generator = np.random.default_rng(1)
    parts = generator.normal(size=(WIDTH, 3)), generator.normal(size=WIDTH)
    rbm = gz.RBM.from_weights(*parts, generator.normal(size=3), seed=0)
    rbm.compile()
    return rbm


def log_of_known(model, rows):
    """log p of what is known, by enumeration in NumPy."""
    log_p = np.asarray(model.log_prob(ALL), float)
    found = []
    for row in rows:
        agree = (np.isnan(row) | (row == ALL)).all(axis=1)
        found.append(np.log(np.exp(log_p[agree]).sum()))
    return np.array(found)


OBJECTS = np.where(np.isnan(GAPS), None, GAPS.astype(object))
DATASET = tf.data.Dataset.from_tensor_slices(
    (GAPS.astype("float32"), WEIGHT.astype("float32"))
).batch(7)


@pytest.mark.parametrize(
    ("x", "options"),
    [
        (GAPS, {"missing": "nan", "sample_weight": WEIGHT}),
        (OBJECTS, {"missing": None, "mask": ~np.isnan(GAPS)}),
        (OBJECTS.tolist(), {"missing": "nan"}),
        (np.nan_to_num(GAPS, nan=-1).astype("int8"), {"missing": -1}),
        (DATASET, {"missing": "nan", "sample_weight": WEIGHT}),
        ((GAPS, None, WEIGHT), {"missing": "nan", "sample_weight": WEIGHT}),
    ],
)
def test_evaluate_scores_what_is_known(rbm, x, options):
    weight = options.get("sample_weight")
    due = -np.average(log_of_known(rbm, GAPS), weights=weight)
    if x is DATASET or isinstance(x, tuple):
        options = {"missing": "nan"}
    found = rbm.evaluate(x, verbose=0, **options)
    assert found == pytest.approx(due, abs=1e-5)


def test_evaluate_of_what_has_no_end_is_refused(rbm):
    nothing = tf.data.Dataset.from_tensor_slices((GAPS, ZERO)).batch(9)
    with pytest.raises(ValueError, match="weights of the examples have"):
        rbm.evaluate(nothing, missing="nan")
    with pytest.raises(ValueError, match="no end; pass steps"):
        rbm.evaluate(DATASET.repeat(), missing="nan")
    some = rbm.evaluate(DATASET.repeat(), missing="nan", steps=5, verbose=0)
    due = -np.average(log_of_known(rbm, GAPS), weights=WEIGHT)
    assert some == pytest.approx(due, abs=1e-5)


def test_evaluate_says_where_it_estimates():
    wide = gz.RBM(gz.units.Bernoulli(40), gz.units.Bernoulli(30), seed=0)
    wide.compile()
    x = (RNG.random((3, 40)) < 0.5).astype(float)
    wide.adapt(x)
    x[:, :35] = np.nan
    found = wide.evaluate(x, missing="nan", return_dict=True, verbose=0)
    marginal = wide.log_marginal(x)
    assert found["loss"] == pytest.approx(-marginal.value.mean(), abs=0.2)
    assert 0 < found["marginal_stderr"] < 0.1


@pytest.mark.parametrize("sites", [WIDTH, 30])
def test_boltzmann_machines_score_gaps_held_out(sites):
    x = np.where(RNG.random((N, sites)) < 0.4, 1.0, -1.0)
    x[RNG.random(x.shape) < 0.1] = np.nan
    model = gz.BoltzmannMachine(gz.spaces.Spin(sites), seed=0)
    model.compile(loss="exact_likelihood" if sites == WIDTH else "pcd")
    options = {"validation_data": x[:8], "verbose": 0, "epochs": 1}
    history = model.fit(x, missing="nan", **options)
    assert np.isfinite(history.history["loss"]).all()
    found = history.history["val_loss"][-1]
    # The log Z of the larger one is that of training, annealed.
    log_z = model.watch.level.numpy() - float(model._reference())
    if sites == WIDTH:
        log_z = model.log_partition().value
    scored = model._completion.marginal(
        "", model._partial("fit", x[:8], None), log_z, 2, 2, SEED
    )
    assert found == pytest.approx(-scored.value.mean(), abs=1e-4)


def test_a_stack_learns_from_gaps():
    def rbms():
        sizes = (WIDTH, 4), (4, 2)
        return [
            gz.RBM(gz.units.Bernoulli(a), gz.units.Bernoulli(b), seed=a)
            for a, b in sizes
        ]

    options = {"epochs": 1, "verbose": 0, "validation_split": 0.2}
    mask = ~np.isnan(GAPS)
    stack = gz.pretrain(rbms(), np.nan_to_num(GAPS), mask=mask, **options)
    for history in stack.histories:
        assert np.isfinite(history.history["val_loss"]).all()


def table(**options):
    rbm = gz.RBM(
        {
            "age": gz.units.Gaussian(1),
            "kind": gz.units.Categorical(1, 3),
            "count": gz.units.Poisson(2),
        },
        gz.units.Bernoulli(3),
        seed=0,
        **options,
    )
    rbm.compile()
    return rbm


AGE, KIND = RNG.normal(size=N), RNG.integers(0, 3, N)
COUNT = RNG.poisson(2, (N, 2))
BLOCKS = {"age": AGE, "kind": KIND, "count": COUNT}


def test_a_frame_has_blocks_by_the_names_of_its_columns():
    def two():
        units = {
            "age": gz.units.Gaussian(1),
            "kind": gz.units.Categorical(1, 3),
        }
        rbm = gz.RBM(units, gz.units.Bernoulli(3), seed=0)
        rbm.compile()
        return rbm

    due = two()
    due.fit({"age": AGE, "kind": KIND}, verbose=0)
    frame = Frame(kind=KIND, age=AGE)
    found = two()
    found.fit(frame, verbose=0)
    np.testing.assert_array_equal(found.kernel, due.kernel)
    np.testing.assert_array_equal(
        due.impute(Frame(age=AGE)), due.impute({"age": AGE})
    )
    with pytest.raises(ValueError, match="kind.*labels must be whole numbers"):
        two().fit(Frame(kind=np.array(list("ab") * 15), age=AGE), verbose=0)


def test_what_is_given_by_name_leaves_the_rest_open():
    rbm = table()
    rbm.adapt(BLOCKS)
    drawn = rbm.sample(3, given={"kind": 2}, seed=0)
    np.testing.assert_array_equal(drawn[:, 1:4], [[0, 0, 1]] * 3)
    given = {"kind": [2], "age": [0.5], "count": [1, 2]}
    mask = {"kind": True, "count": [False, True]}
    drawn = rbm.sample(4, given=given, mask=mask, seed=0)
    np.testing.assert_array_equal(drawn[:, [1, 2, 3, 5]], [[0, 0, 1, 2]] * 4)
    assert len(set(drawn[:, 0])) == 4
    full = {name: np.full(np.shape(b), np.nan) for name, b in BLOCKS.items()}
    np.testing.assert_array_equal(
        rbm.conditional_mean({"count": COUNT}),
        rbm.conditional_mean({**full, "count": COUNT}),
    )
    for wrong in ({"kind": [1, 2]}, {"knd": 2}):
        with pytest.raises(ValueError, match="2 rows; n is 3|not known"):
            rbm.sample(3, given=wrong)


@pytest.mark.parametrize("missing", [None, "nan"])
def test_labels_in_datasets_are_whole(missing):
    last = {**BLOCKS, "kind": np.where(np.arange(N) < 20, KIND, 0.5)}
    dataset = tf.data.Dataset.from_tensor_slices(last).batch(10)
    with pytest.raises(ValueError, match="not in the model's space"):
        table().fit(dataset, missing=missing, verbose=0)


def test_blocks_of_datasets_may_be_missing():
    gaps = {**BLOCKS, "kind": np.where(KIND, KIND, -1), "age": GAPS[:, 0]}
    dataset = tf.data.Dataset.from_tensor_slices(gaps).batch(10)
    one, two = table(), table()
    one.adapt(gaps, missing="nan")
    two.adapt(dataset, missing="nan")
    for weight, other in zip(one.parameters, two.parameters, strict=True):
        np.testing.assert_allclose(weight, other, atol=1e-5)


def test_labels_are_missing_beside_what_they_belong_to():
    def labelled():
        units = [gz.units.Bernoulli(WIDTH), gz.units.Categorical(1, 3)]
        rbm = gz.RBM(units, gz.units.Bernoulli(3), seed=0)
        rbm.compile()
        return rbm

    y = np.where(KIND, KIND, -1)
    one, two = labelled(), labelled()
    one.fit(GAPS, y, missing="nan", verbose=0)
    two.fit((GAPS, y), missing="nan", verbose=0)
    np.testing.assert_array_equal(one.kernel, two.kernel)
    with pytest.raises(ValueError, match="lacks the last block"):
        one.predict(BITS)
    with pytest.raises(ValueError, match=r"sample_weight=.*\[y\]"):
        one.fit(BITS, KIND, class_weight={0: 1.0})


def _fresh():
    rbm = gz.RBM(gz.units.Bernoulli(WIDTH), gz.units.Bernoulli(2), seed=0)
    rbm.compile()
    return rbm


ZERO = np.zeros(N, "float32")
LATE = np.r_[np.ones(N // 2), np.zeros(N - N // 2)]


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ((BITS,), {"sample_weight": [np.inf] * N}, "30 that are NaN or"),
        ((BITS,), {"sample_weight": -WEIGHT}, "below 0, the least -2"),
        (
            (BITS,),
            {"sample_weight": LATE, "validation_split": 0.5},
            "of the last 15 examples has the sum 0",
        ),
        (
            (tf.data.Dataset.from_tensor_slices((BITS, ZERO)).batch(9),),
            {},
            "weights of the examples have the sum 0",
        ),
        (
            (GAPS,),
            {"missing": "nan", "sample_weight": np.isnan(GAPS[:, 0]) * 1.0},
            r"1 of 5 columns are never known \(numbers 0\)",
        ),
        ((tuple(map(tuple, BITS + 1)),), {}, "must hold 0 and 1"),
        (
            (tf.data.Dataset.from_tensor_slices(GAPS),),
            {"missing": "nan"},
            "single examples",
        ),
        (
            (
                tf.data.Dataset.from_tensor_slices((GAPS, np.arange(N))).batch(
                    9
                ),
            ),
            {"missing": "nan"},
            "To leave out labels",
        ),
        ((GAPS[:0],), {"missing": "nan"}, "x is empty"),
        ((BITS + 0.5,), {"missing": True}, "missing must be 'nan', or"),
    ],
)
def test_what_cannot_be_is_told_and_changes_nothing(given, options, message):
    rbm = _fresh()
    before = [w.numpy() for w in rbm.weights]
    with pytest.raises(ValueError, match=message):
        rbm.fit(*given, verbose=0, **options)
    for weight, value in zip(rbm.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_objects_that_are_numbers_are_weights():
    rbm = _fresh()
    rbm.adapt(BITS, sample_weight=WEIGHT.astype(object))
    due = _fresh()
    due.adapt(BITS, sample_weight=WEIGHT)
    np.testing.assert_array_equal(rbm.visible.bias, due.visible.bias)


def test_one_example_is_told_how_to_be_a_row(rbm):
    for method in (rbm.conditional_mean, rbm.impute, rbm.log_marginal):
        with pytest.raises(ValueError, match=r"take x\[None\]"):
            method(GAPS[0])


@pytest.mark.parametrize("trials", [20, 255])
def test_counts_of_any_size_are_learned_by_default(trials):
    generator = np.random.default_rng(0)
    p = np.where(generator.random((300, 1)) < 0.5, 0.2, 0.7)
    x = generator.binomial(trials, np.repeat(p, 6, axis=1))
    rbm = gz.RBM(gz.units.Binomial(6, trials), gz.units.Binomial(2, 20), seed=0)
    rbm.compile()
    rbm.fit(x, epochs=5, verbose=0)
    mean = x.mean(axis=0) / trials
    counts = np.arange(trials + 1)
    base = rbm.visible.level_base
    log_p = base[x] + x * np.log(mean) + (trials - x) * np.log(1 - mean)
    assert counts[-1] == trials
    assert rbm.log_prob(x).mean() > log_p.sum(axis=1).mean() + 1


def test_hidden_counts_without_end_refuse_what_throws_them_out():
    x = RNG.binomial(255, np.where(RNG.random((N, 1)) < 0.5, 0.2, 0.8), (N, 4))
    for hidden in (
        gz.units.Poisson(3),
        [gz.units.Spin(1), gz.units.Poisson(1)],
    ):
        rbm = gz.RBM(gz.units.Binomial(4, 255), hidden, seed=0)
        rbm.compile()
        with pytest.raises(ValueError, match="variance of about .* Bernoulli"):
            rbm.fit(x, verbose=0)
        assert not rbm.is_adapted


def test_features_take_blocks_by_name():
    rbm = table()
    rbm.adapt(BLOCKS)
    layer = gz.layers.Features(rbm)
    x = {"age": AGE[:, None], "kind": KIND[:, None], "count": COUNT}
    x = {name: block.astype("float32") for name, block in x.items()}
    inputs = {
        name: keras.Input(b.shape[1:], name=name) for name, b in x.items()
    }
    model = keras.Model(inputs, layer(inputs))
    due = rbm.hidden_mean(BLOCKS)
    np.testing.assert_allclose(model.predict(x, verbose=0), due, atol=1e-6)
    rows = rbm.space.check("", BLOCKS).astype("float32")
    np.testing.assert_allclose(layer(rows), due, atol=1e-6)
