"""Data as people have them train the same model."""

import gan_cases
import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf
from sources import Csr, Frame, Pages

import genzoo as gz
from genzoo.runtime.sparse import SparseRows

RNG = np.random.default_rng(0)
BITS = (RNG.random((96, 4)) < 0.3).astype("uint8")
BITS[:, 1] = BITS[:, 0]


def rbm(dtype=None, width=4, loss="auto"):
    units = [gz.units.Bernoulli(n, dtype=dtype) for n in (width, 3)]
    model = gz.RBM(*units, seed=0, dtype=dtype)
    model.compile(keras.optimizers.SGD(0.1), loss, watch=False)
    return model


def weights(model):
    found = [np.array(weight) for weight in model.parameters]
    return np.concatenate([value.ravel() for value in found])


def fitted(x, **options):
    model = rbm()
    model.fit(x, verbose=0, **options)
    return weights(model)


def batches(x=BITS, size=8):
    return (x[first : first + size] for first in range(0, len(x), size))


def endless():
    while True:
        yield from batches()


def dataset(x=BITS):
    return tf.data.Dataset.from_tensor_slices(x).batch(8)


@pytest.fixture(scope="module")
def of_dataset():
    return fitted(dataset(), epochs=2)


STREAMS = {
    "pages": lambda: (Pages(BITS, 8, 12), {}),
    "generator": lambda: (endless(), {"steps_per_epoch": 12}),
    "dict": lambda: (dataset({"image": BITS, "label": np.arange(96)}), {}),
    "named x": lambda: (dataset({"x": BITS, "y": BITS}), {}),
    "sparse": lambda: (dataset().map(tf.sparse.from_dense), {}),
}


@pytest.mark.parametrize("name", STREAMS)
def test_batches_of_every_kind_train_alike(name, of_dataset):
    x, options = STREAMS[name]()
    np.testing.assert_array_equal(fitted(x, epochs=2, **options), of_dataset)


def test_sparse_rows_train_as_dense_ones_and_are_never_whole(monkeypatch):
    x = (np.random.default_rng(1).random((3000, 2000)) < 0.001).astype("int8")
    model, other = (rbm(width=2000) for _ in range(2))
    most = []
    dense = SparseRows.__getitem__

    def counted(self, rows):
        found = dense(self, rows)
        most.append(found.size)
        return found

    monkeypatch.setattr(SparseRows, "__getitem__", counted)
    options = {"batch_size": 500, "verbose": 0}
    model.fit(Csr(x), validation_data=Csr(x), **options)
    assert max(most) <= 2**22 < x.size
    other.fit(x, **options)
    np.testing.assert_array_equal(weights(model), weights(other))
    for method in (model.energy, model.hidden_mean, model.predict):
        np.testing.assert_array_equal(method(Csr(x)), method(x))
    wrong = x.copy()
    wrong[2990, 7] = 2
    with pytest.raises(ValueError, match="must hold 0 and 1"):
        model.fit(Csr(wrong), **options)


def test_sparse_rows_in_every_method():
    model = rbm(loss="exact_likelihood")
    x = Csr(BITS)
    model.adapt(x)
    for shuffle in (True, False):
        model.fit(x, shuffle=shuffle, validation_split=0.2, verbose=0)
    model.train_on_batch(x)
    found = model.evaluate(x, verbose=0), model.test_on_batch(x)
    assert found == (model.evaluate(BITS, verbose=0), model.test_on_batch(BITS))
    for name in ("log_prob", "predict_on_batch", "log_pseudolikelihood"):
        method = getattr(model, name)
        np.testing.assert_array_equal(method(x), method(BITS))
    shaped = gz.BoltzmannMachine(gz.spaces.Binary((2, 2)), seed=0)
    shaped.compile()
    shaped.fit(x, verbose=0)
    again = gz.BoltzmannMachine(gz.spaces.Binary((2, 2)), seed=0)
    again.compile()
    again.fit(BITS.reshape(-1, 2, 2), verbose=0)
    np.testing.assert_array_equal(shaped.multipliers, again.multipliers)


def test_averages_are_of_all_that_a_generator_gives():
    machines = [gz.BoltzmannMachine(gz.spaces.Binary(4)) for _ in range(2)]
    for machine in machines:
        machine.compile()
    machines[0].fit(batches(), verbose=0)
    machines[1].fit(BITS, verbose=0)
    one, other = (m.multipliers for m in machines)
    np.testing.assert_allclose(one, other, atol=1e-12)


def test_what_is_held_out_may_come_in_batches():
    model = rbm(loss="exact_likelihood")
    found = model.fit(
        BITS,
        epochs=2,
        validation_data=endless(),
        validation_steps=12,
        verbose=0,
    )
    expected = model.evaluate(BITS, verbose=0)[0]
    np.testing.assert_allclose(model.evaluate(batches(), verbose=0), expected)
    np.testing.assert_allclose(
        model.evaluate(Pages(BITS, 8, 12), verbose=0), expected
    )
    assert len(found.history["val_loss"]) == 2
    energies = model.predict(endless(), steps=12, verbose=0)
    np.testing.assert_allclose(energies, model.energy(BITS), rtol=1e-6)


def test_a_later_batch_is_refused_before_it_is_learned_from():
    spoilt = BITS.astype("float32")
    spoilt[-1, 0] = 0.5
    model = rbm()
    model.adapt(BITS)
    with pytest.raises(ValueError, match="RBM.fit: a batch .* must hold 0 and"):
        model.fit(Pages(spoilt, 8, 12), verbose=0)
    other = rbm()
    other.adapt(BITS)
    other.fit(dataset(BITS[:-8]), verbose=0)
    np.testing.assert_array_equal(weights(model), weights(other))


def test_training_goes_on_from_a_save_bit_for_bit(of_dataset, tmp_path):
    part = rbm()
    part.fit(Pages(BITS, 8, 12), epochs=1, verbose=0)
    part.save(tmp_path / "m.keras")
    part = keras.saving.load_model(tmp_path / "m.keras")
    part.fit(Pages(BITS, 8, 12), epochs=2, initial_epoch=1, verbose=0)
    np.testing.assert_array_equal(weights(part), of_dataset)


@pytest.mark.parametrize("kind", ["array", "dataset", "pages", "sparse"])
def test_float64_reaches_a_model_of_float64(kind):
    unit = gz.units.Gaussian(1, dtype="float64")
    hidden = gz.units.Bernoulli(1, dtype="float64")
    model = gz.RBM(unit, hidden, seed=0, dtype="float64")
    x = 1 + 1e-10 * np.arange(24.0)[:, None]
    given = {
        "array": lambda: x,
        "dataset": lambda: tf.data.Dataset.from_tensors(x),
        "pages": lambda: Pages(x, 24, 1),
        "sparse": lambda: Csr(x),
    }[kind]()
    model.adapt(given)
    mean = unit.restore(model.offsets.visible.value[None]).numpy()
    np.testing.assert_allclose(mean - 1, np.mean(x - 1), rtol=1e-5)


def test_a_gan_takes_batches_and_dicts_too():
    x = RNG.normal(size=(40, 2)).astype("float32")
    gan = gz.GAN(*gz.networks.mlp(2, 2, width=4, depth=1, classes=3), seed=0)
    gan.compile()
    y = np.arange(40) % 3
    loader = ((x, y) for _ in range(2))
    gan.fit(loader, steps_per_epoch=2, verbose=0)
    named = {"image": x, "number": 1000 + np.arange(40), "label": y}
    gan.fit(tf.data.Dataset.from_tensors(named), verbose=0)
    with pytest.raises(ValueError, match=r"one-hot ones take y\.argmax"):
        gan.fit(x, np.eye(3)[y], verbose=0)
    named["other"] = y
    with pytest.raises(ValueError, match="'image' 2 of them fit labels"):
        gan.fit(tf.data.Dataset.from_tensors(named), verbose=0)


@pytest.mark.parametrize("make", [dataset, batches, lambda: Pages(BITS, 8, 12)])
def test_what_takes_an_array_says_who_takes_batches(make):
    model = rbm()
    model.adapt(BITS)
    for method in (model.energy, model.log_prob, model.hidden_mean):
        with pytest.raises(ValueError, match="Pass it to fit, evaluate or"):
            method(make())


REFUSED = {
    "two that fit": (lambda: {"a": BITS, "b": BITS}, "'b' of .*more than one"),
    "columns": (
        lambda: {"age": BITS[:, 0], "sex": BITS[:, 1]},
        r"'age' of shape \(96,\).*none of them",
    ),
    "no batches": (lambda: tf.data.Dataset.from_tensor_slices(BITS), "batch"),
    "rows": (lambda: iter(BITS), r"single examples.*numpy.stack"),
    "function": (lambda: endless, r"received function. Call it: x\(\)"),
    "file": (lambda: "bits.npy", r"numpy\.load"),
    "ended": (lambda: batches(), "generator has ended"),
    "ragged": (lambda: [[0, 1, 1, 0], [1]], "different lengths.*of 1 to 4"),
    "text of numbers": (lambda: [["0", "1", "0", "1"]], r"x\.astype\(float\)"),
    "text": (lambda: [["a", "b", "c", "d"]], "return_inverse=True"),
    "none": (lambda: [[0, 1, 0, None]], r"x\[0, 3\] is None.*missing='nan'"),
    "dicts": (lambda: [{"a": 1}, {"a": 0}], r"holds dicts, of \['a'\]"),
    "dates": (lambda: np.zeros((2, 4), "M8[D]"), "days or seconds"),
    "complex": (lambda: np.zeros((2, 4), complex), r"x\.real"),
    "bytes": (lambda: np.full((2, 4), b"a"), "return_inverse=True"),
    "masked": (
        lambda: np.ma.masked_array(BITS, BITS == 1),
        "not finite.*missing='nan'",
    ),
    "ragged tensor": (
        lambda: tf.ragged.constant([[1, 0], [1]]),
        r"x\.to_tensor\(\)",
    ),
    "nothing at all": (lambda: [], "x is empty"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_learned_from_is_told_from_the_rest(name):
    make, message = REFUSED[name]
    model = rbm()
    with pytest.raises(ValueError, match=f"RBM.fit: .*{message}"):
        model.fit(make(), epochs=2, verbose=0)


def test_what_is_missing_may_be_anywhere():
    gaps = np.random.default_rng(3).random(BITS.shape) < 0.2
    marked = np.where(gaps, -1, BITS.astype("int8"))
    expected = fitted(marked, missing=-1)
    masked = np.ma.masked_array(BITS, gaps)
    for x, missing in ((Csr(marked), -1), (masked, "nan")):
        np.testing.assert_array_equal(fitted(x, missing=missing), expected)


def test_frames_name_the_columns_that_are_no_numbers():
    np.testing.assert_array_equal(fitted(Frame(BITS, "ifbu")), fitted(BITS))
    missing = BITS.astype(object)
    missing[5, 2] = None
    with pytest.raises(ValueError, match="1 values .*pass missing='nan'"):
        fitted(Frame(missing))
    with pytest.raises(ValueError, match=r"'b' \(category\), 'd'.*one_hot"):
        fitted(Frame(BITS, "iOiO"))


@pytest.mark.parametrize("make", [gan_cases.points_gan, lambda: rbm(width=2)])
def test_data_of_an_unknown_length_count_no_step_too_many(make):
    """Keras begins one more step, of which all ran that needs no batch."""
    x = (np.random.default_rng(0).random((70, 2)) < 0.4).astype("float32")
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(16)
    found = []
    for data in (dataset, dataset.filter(lambda x: True)):
        model = make()
        model.fit(data, epochs=2, verbose=0)
        found.append(model.get_weights())
        counts = [int(o.iterations) for o in model._optimizers().values()]
        assert set(counts) == {10}
    for known, unknown in zip(*found, strict=True):
        np.testing.assert_array_equal(known, unknown)


@pytest.mark.parametrize(
    "sparse", [tf.sparse.from_dense, scipy.sparse.csr_array]
)
def test_a_gan_learns_from_what_is_sparse_as_from_the_dense(sparse):
    x = (np.random.default_rng(0).random((40, 2)) < 0.4).astype("float32")
    found = []
    for given in (x, sparse(x)):
        gan = gan_cases.points_gan()
        gan.fit(given, epochs=1, batch_size=16, verbose=0)
        found.append(gan.get_weights())
    for dense, own in zip(*found, strict=True):
        np.testing.assert_array_equal(own, dense)
