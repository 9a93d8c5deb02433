"""What cannot be meant is refused, by a message that says what to do.

One row a call: what is called, and a part of what it must say. Nothing that a
model is changes.
"""

import functools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from contract import state

import genzoo as gz
from genzoo import features, metrics, samplers, spaces, units

NAN, INF = float("nan"), float("inf")
BITS = np.random.default_rng(0).integers(0, 2, (32, 6)).astype("uint8")
POINTS = np.random.default_rng(0).standard_normal((32, 2)).astype("float32")
HUGE = 10**12


@functools.cache
def rbm():
    model = gz.RBM(units.Bernoulli(6), units.Bernoulli(3), seed=0)
    model.compile()
    model.adapt(BITS)
    return model


@functools.cache
def gan():
    model = gz.GAN(*gz.networks.mlp(latent=2, output=2, width=3), seed=0)
    model.compile()
    return model


@functools.cache
def maxent():
    model = gz.MaxEnt(spaces.Categorical([1, 2, 3]), features.Moments(1))
    model.compile()
    model.fit(observations=[2.2], verbose=0)
    return model


@functools.cache
def deep():
    return gz.DeepBoltzmannMachine([units.Bernoulli(n) for n in (6, 2, 2)])


@functools.cache
def energy():
    return gz.EnergyModel(spaces.Real(2), seed=0)


def _likelihood(method):
    found = gz.callbacks.LogLikelihood(BITS, method)
    found.set_model(rbm())
    return found


MODELS = {"rbm": rbm, "gan": gan, "maxent": maxent}


def batches():
    return tf.data.Dataset.from_tensor_slices(BITS).batch(8)


def fits(model, x, name, values, message):
    """Rows of one option of `fit` with several values."""
    return [
        (
            f"{model}.fit({name}={value!r})",
            lambda value=value: MODELS[model]().fit(x(), **{name: value}),
            message,
        )
        for value in values
    ]


def called(function, name, values, message, **others):
    """Rows of one argument of a function with several values."""
    return [
        (
            f"{function.__name__}({name}={value!r})",
            lambda value=value: function(**{**others, name: value}),
            message,
        )
        for value in values
    ]


_bits, _points = lambda: BITS, lambda: POINTS
_log_prob = lambda x: -tf.reduce_sum(x**2, -1)  # noqa: E731

CALLS = [
    *fits("rbm", _bits, "epochs", (-1, 1.5, "3", True), "an int of at least 0"),
    *fits("gan", _points, "epochs", (-1, NAN), "epochs must be an int of"),
    *fits("rbm", _bits, "initial_epoch", (-3, "a", 0.5), "at least 0"),
    *fits("rbm", _bits, "verbose", ("loud", 7, [1]), "'auto', 0, 1 or 2"),
    *fits("rbm", _bits, "shuffle", (3, "batch"), "true or false"),
    *fits("rbm", _bits, "callbacks", ("a", [3]), "keras.callbacks.Callback"),
    *fits("rbm", _bits, "callbacks", ([keras.callbacks.History],), "Call it"),
    *fits("rbm", _bits, "validation_freq", (0, "a"), "positive int"),
    *fits("rbm", _bits, "validation_batch_size", (0, -1), "positive int"),
    *fits("rbm", _bits, "batch_size", (0, 2.5, "a"), "positive int"),
    *fits("rbm", batches, "steps_per_epoch", (0, -1, "a"), "positive int"),
    *fits("rbm", batches, "validation_steps", (0,), "positive int"),
    *fits("rbm", _bits, "epoch", (3,), "Did you mean 'epochs'"),
    (
        "evaluate(steps=0)",
        lambda: rbm().evaluate(batches(), steps=0),
        "steps must be a positive int",
    ),
    (
        "predict(steps=-1)",
        lambda: rbm().predict(batches(), steps=-1),
        "steps must be a positive int",
    ),
    (
        "LogLikelihood on a GAN",
        # Another: its rate was planned before callbacks are asked.
        lambda: gan.__wrapped__().fit(
            POINTS, callbacks=[gz.callbacks.LogLikelihood(POINTS)], verbose=0
        ),
        "a GAN has no likelihood",
    ),
    # compile
    *called(
        lambda **options: rbm().compile(**options),
        "steps_per_execution",
        (0, -1, "a", 1.5),
        "steps_per_execution must be a positive int",
    ),
    *called(
        lambda **options: rbm().compile(**options),
        "metrics",
        (["accuracy"], "mse", [keras.metrics.Accuracy()], [3]),
        "compile: metrics",
    ),
    *called(
        lambda **options: gan().compile(**options),
        "auxiliary_weight",
        (NAN, "a", -1, INF),
        "auxiliary_weight must be a number of at least 0",
    ),
    (
        "rbm.compile(Newton)",
        lambda: rbm().compile(optimizer=gz.optimizers.Newton()),
        "Newton solves for one vector",
    ),
    # Networks, layers, parts
    *called(gz.networks.mlp, "latent", (0, 1.5), "latent must be", output=2),
    *called(
        gz.networks.mlp, "depth", (-1, "a"), "depth must", latent=2, output=2
    ),
    *called(
        gz.networks.mlp, "packing", (0, True), "packing", latent=2, output=2
    ),
    *called(
        gz.networks.dcgan, "image_shape", (28, (8, 8)), "image_shape", latent=2
    ),
    *called(
        gz.networks.conv1d, "signal_shape", (9, (9,)), "signal_s", latent=2
    ),
    *called(gz.layers.Augmentation, "fill", (NAN, "a"), "a finite number"),
    *called(metrics.DensityCoverage, "neighbours", (0, -1), "positive int"),
    ("Gaussian('a')", lambda: units.Gaussian(3, variance="a"), "variance"),
    (
        "a feature that is one number",
        lambda: gz.MaxEnt(spaces.Spin(2), [lambda x: 1.0]),
        "for a batch of 3 it gave",
    ),
    (
        "a feature without an argument",
        lambda: gz.MaxEnt(spaces.Spin(2), [lambda: 1.0]),
        "must be a function of one argument",
    ),
    # Methods
    (
        "hidden_mean of another width",
        lambda: rbm().hidden_mean(np.zeros((2, 5))),
        r"must have shape \(n, 6\)",
    ),
    (
        "hidden_mean(NaN)",
        lambda: rbm().hidden_mean(np.full((2, 6), NAN)),
        "not finite",
    ),
    ("energy of text", lambda: rbm().energy([["a"] * 6]), "must be numeric"),
    ("expectation('x')", lambda: maxent().expectation("x"), "a function of"),
    # Samplers and exact results
    *called(
        samplers.hmc,
        "step_size",
        (-1, 0, NAN, "a", [0.1, -0.1]),
        "hmc: step_size",
        log_prob=_log_prob,
        leapfrog_steps=2,
    ),
    *called(
        samplers.langevin,
        "step_size",
        (NAN, -0.1),
        "langevin: step_size",
        log_prob=_log_prob,
    ),
    *called(
        samplers.ising.metropolis,
        "temperature",
        (0, -1, NAN, "a"),
        "temperature must be a number above 0",
    ),
    *called(
        gz.partition.onsager_energy,
        "temperature",
        ("a", NAN, 0, None),
        "temperature must be above 0",
    ),
    # Beyond the memory that is free
    ("Bernoulli(10**12)", lambda: units.Bernoulli(HUGE), "1,048,576 sites"),
    ("Spin(10**12)", lambda: spaces.Spin(HUGE), "1,048,576 sites"),
    (
        "an RBM of 10**12 weights",
        lambda: gz.RBM(units.Bernoulli(2**20), units.Bernoulli(2**20)),
        "bytes of memory are free",
    ),
    (
        "a BoltzmannMachine of 2**39 couplings",
        lambda: gz.BoltzmannMachine(spaces.Spin(2**20)),
        "bytes of memory are free",
    ),
    *called(
        gz.datasets.gaussian_ring, "n", (HUGE,), "bytes of memory are free"
    ),
    *called(
        gz.datasets.two_body_decay, "n", (HUGE,), "bytes of memory are free"
    ),
    *called(
        gz.datasets.ising,
        "n",
        (HUGE,),
        "bytes of memory are free",
        shape=(4, 4),
        temperature=2.0,
    ),
    ("gan.sample", lambda: gan().sample(HUGE), "bytes of memory are free"),
    ("rbm.sample", lambda: rbm().sample(HUGE), "bytes of memory are free"),
    # Without a seed: what is refused takes no draw of the model's either.
    ("rbm.sample", lambda: rbm().sample(2, start="here"), "start"),
    ("maxent.sample", lambda: maxent().sample(2, start=POINTS), "start"),
    ("rbm.sample", lambda: rbm().sample(2, start=BITS), "start"),
    # Measures
    (
        "evaluate_generative(metrics=[])",
        lambda: metrics.evaluate_generative({}, POINTS, POINTS, []),
        "one or more two-sample metrics",
    ),
    # Data without an end, and batches of what has none
    (
        "rbm.fit of what has no end",
        lambda: rbm().fit(batches().repeat()),
        "RBM.fit: the dataset has no end; pass steps_per_epoch",
    ),
    (
        "validation_data that have no end",
        lambda: rbm().fit(BITS, validation_data=batches().repeat()),
        "validation_data: the dataset has no end; pass validation_steps",
    ),
    *(
        (
            f"{name} of what has no end",
            lambda name=name: getattr(rbm(), name)(batches().repeat()),
            "the dataset has no end; pass steps,",
        )
        for name in ("adapt", "evaluate", "predict")
    ),
    *(
        (
            f"adapt of what has no end: {make.__name__}",
            lambda make=make, x=x: make().adapt(
                tf.data.Dataset.from_tensors(x).repeat()
            ),
            "adapt: the dataset has no end; pass steps,",
        )
        for make, x in ((deep, BITS), (energy, POINTS), (maxent, [[1.0]]))
    ),
    ("adapt(array, steps)", lambda: rbm().adapt(BITS, 3), "goes with a data"),
    ("adapt(steps=0)", lambda: rbm().adapt(batches(), 0), "a positive int"),
    # Of Keras: its loops, its objects, its rates
    *fits("rbm", _bits, "validation_split", ("0.2", -1, 2), "from 0 to 1"),
    *fits("rbm", _bits, "batch_size", (10**30,), "an int from 1 to 9"),
    *fits("gan", _points, "epochs", (10**400,), "an int from 0 to 9"),
    *fits("rbm", _bits, "initial_epoch", (2,), "epochs must be at least init"),
    *called(
        lambda **options: rbm().evaluate(BITS, verbose=0, **options),
        "callbacks",
        ("a", [3]),
        "keras.callbacks.Callback objects",
    ),
    *(
        (
            f"{name}(return_dict='yes')",
            lambda name=name: getattr(rbm(), name)(BITS, return_dict="yes"),
            "return_dict must be true or false",
        )
        for name in ("evaluate", "train_on_batch", "test_on_batch")
    ),
    *called(
        lambda **options: rbm().compile(**options),
        "optimizer",
        ("adamm", 3, keras.optimizers.Adam, [keras.optimizers.Adam()]),
        "RBM.compile: optimizer must be one of keras.optimizers, or its name",
    ),
    *called(
        lambda **options: gan().compile(**options),
        "discriminator_optimizer",
        ("adamm", 3),
        "GAN.compile: discriminator_optimizer must be one of keras.optimizers",
    ),
    *called(
        lambda **options: rbm().compile(**options),
        "optimizer",
        (
            keras.optimizers.SGD(NAN),
            keras.optimizers.Adam(INF),
            gz.optimizers.Falling(NAN),
        ),
        "learning_rate of the optimizer must be a number of at least 0",
    ),
    *called(
        lambda **options: rbm().compile(**options),
        "watch",
        ("no",),
        "watch must be true or false",
    ),
    *(
        row
        for name in ("initializer", "regularizer", "constraint")
        for row in called(
            lambda **options: gz.RBM(
                units.Bernoulli(2), units.Bernoulli(2), **options
            ),
            f"kernel_{name}",
            ("foo", 3),
            f"RBM: kernel_{name} must be one of keras.{name}s, or its name",
        )
    ),
    (
        "RBM(centered='no')",
        lambda: gz.RBM(units.Bernoulli(2), units.Bernoulli(2), centered="no"),
        "centered must be true or false",
    ),
    (
        "a model as a reference",
        lambda: gz.MaxEnt(spaces.Binary(6), features.Moments(1), rbm()),
        "received a RBM, which gives energies",
    ),
    # What another argument makes needless is checked all the same.
    *called(
        lambda **options: maxent().log_partition(**options),
        "chains",
        (-1, "a", 1),
        "log_partition: chains must be an int of at least 2",
    ),
    ("reverse", lambda: rbm().log_partition(reverse="a"), "true or false"),
    ("keep_chains", lambda: rbm().keep_chains("a"), "count must be an int of"),
    # Callbacks, before an epoch is lost
    *called(
        gz.callbacks.LogLikelihood, "foo", (3,), "an option must be", x=BITS
    ),
    (
        "LogLikelihood(method='foo')",
        lambda: _likelihood("foo").on_train_begin(),
        "method must be one of",
    ),
    *called(gz.callbacks.ChainHealth, "seed", ("a", 0.5), "seed must be"),
    *called(gz.callbacks.SampleGrid, "folder", (3, None, ""), "must be a path"),
    *called(
        gz.callbacks.SampleGrid,
        "value_range",
        ((1, 0), "a", (1, 1)),
        "value_range must be .low, high.",
        folder="never",
    ),
    # Samplers, draws, sums
    *(
        row
        for make in (
            (samplers.hmc, {"step_size": 0.1, "leapfrog_steps": 2}),
            (samplers.mala, {"step_size": 0.1}),
            (samplers.nuts, {"step_size": 0.1}),
            (samplers.random_walk_metropolis, {"step_size": 1}),
        )
        for row in called(
            make[0], "log_prob", (3, None), "must be a function", **make[1]
        )
    ),
    *called(
        samplers.nuts,
        "max_tree_depth",
        (0, 100, "a"),
        "max_tree_depth must be",
        log_prob=_log_prob,
        step_size=0.1,
    ),
    (
        "hmc(low > high)",
        lambda: samplers.hmc(_log_prob, 0.1, 2, low=[0, 1], high=[1, 0]),
        "low must be less than high",
    ),
    (
        "gibbs_energy(levels=3)",
        lambda: samplers.gibbs_energy(_log_prob, 3),
        "levels must be a list",
    ),
    (
        "run(steps='a')",
        lambda: samplers.run(samplers.mala(_log_prob, 0.1), 0, POINTS, "a"),
        "steps must be an int of at least 0",
    ),
    *called(
        lambda **given: samplers.tune_step_size(
            lambda size: samplers.mala(_log_prob, size),
            0,
            tf.constant(POINTS),
            5,
            0.5,
            **given,
        ),
        "step_size",
        (-1, 0, NAN),
        "tune_step_size: step_size",
    ),
    *called(
        gz.random.normal, "seed", (3, None), "genzoo.random.Seed", shape=[2]
    ),
    (
        "uniform of ints",
        lambda: gz.random.uniform((2,), gz.random.as_seed(0), "int32"),
        "dtype must be one of float16",
    ),
    (
        "a shape below 0",
        lambda: gz.random.uniform((-1, 2), gz.random.as_seed(0)),
        "of ints of at least 0",
    ),
    *called(
        gz.partition.torus_log_partition,
        "coupling",
        (NAN, "a"),
        "must be a finite number",
        shape=(3, 3),
    ),
    *called(gz.partition.summarise, "log_weights", ([], [1.0]), "two or more"),
    # Measures
    *(
        (
            f"{function.__name__}('a')",
            lambda function=function: function("a"),
            "must be an array of numbers",
        )
        for function in (
            metrics.entropy,
            samplers.colour,
            gz.BoltzmannMachine.hopfield,
        )
    ),
    (
        "frechet_distance of two sizes",
        lambda: metrics.frechet_distance([0], [[1]], [0, 0], np.eye(2)),
        r"received the shapes \(1,\), \(1, 1\), \(2,\), \(2, 2\)",
    ),
    (
        "frechet_distance of no covariance",
        lambda: metrics.frechet_distance([0], [[-1]], [0], [[1]]),
        "no negative eigenvalue; found -1",
    ),
    *called(metrics.BinnedDivergence, "bins", (0, "a", None), "bins must be"),
    *called(
        metrics.ModeCoverage,
        "confidence",
        (3, NAN),
        "from 0 to 1",
        centres=[[0, 0]],
        radius=1,
    ),
    *called(
        metrics.binned_entropy,
        "bootstrap",
        (-1, 0, 1, "a"),
        "bootstrap must be an int of at least 2",
        x=POINTS[:, 0],
    ),
    (
        "evaluate_generative of a list",
        lambda: metrics.evaluate_generative([gan()], POINTS, POINTS, []),
        "models must be a dict",
    ),
    *called(
        gz.optimizers.NaturalGradient, "decay_steps", (0, NAN), "positive num"
    ),
    *called(gz.datasets.read_alignment, "source", (3, None), "must be a path"),
    *called(gz.DeepBeliefNetwork.load, "path", (3, None), "must be a path"),
    # Presets and files
    *called(
        gz.from_preset,
        "handle",
        ("a" * 100_000, "a\0b", None, "", 3, b"rbm"),
        "is neither a folder nor one of the presets",
    ),
    *called(gz.load_exported, "path", (None, 3), "path must be the folder"),
]
# Of a file that is there, and of the card.
FILES = [
    (lambda model, file: model.save_to_preset(file), "is a file"),
    (lambda model, file: model.export(file), "is a file"),
    (lambda model, file: model.save(file), "must end in '.keras'"),
    (
        lambda model, file: model.save(file.with_suffix(".h5")),
        "must end in '.keras'",
    ),
    (
        lambda model, file: model.save_weights(file.with_suffix(".h5")),
        "must end in '.weights.h5'",
    ),
    (lambda model, file: model.load_weights(None), "must be a path"),
    (lambda model, file: model.save(None), "must be a path"),
    (lambda model, file: model.save(file.parent / "a" / "m.keras"), "folder"),
    *(
        (
            lambda model, file, card=card: model.save_to_preset(
                file.parent / "preset", card
            ),
            "card",
        )
        for card in (
            {"a": NAN},
            {"a": object()},
            {"a": {3: "b"}},
            {"a": [1, INF]},
            {"a": POINTS},
            {"a": np.float32(1)},
            "text",
            {"a": [[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]},
            {"format": 3},
        )
    ),
]


def _refuses(call, message):
    with pytest.raises((ValueError, TypeError, OSError), match=message) as told:
        call()
    # A TypeError is for names of arguments alone.
    assert "argument" in str(told.value) or not isinstance(
        told.value, TypeError
    )
    assert len(str(told.value)) < 1500


def test_samples_of_weights_that_are_no_numbers_are_refused():
    network = gan().averaged_generator
    kept = network.get_weights()
    network.set_weights([NAN * value for value in kept])
    _refuses(lambda: gan().sample(2, seed=0), "hold NaN or infinite")
    network.set_weights(kept)
    assert np.isfinite(gan().sample(2, seed=0)).all()


@pytest.fixture(scope="module", autouse=True)
def _nothing_changes():
    models = [make() for make in MODELS.values()]
    before = [(state(model), model.optimizer) for model in models]
    yield
    for model, (values, optimizer) in zip(models, before, strict=True):
        assert model.optimizer is optimizer
        for one, other in zip(values, state(model), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("call", "message"),
    [row[1:] for row in CALLS],
    # Addresses differ between the processes of a run.
    ids=[re.sub(" object at 0x[0-9a-f]+", "", row[0])[:60] for row in CALLS],
)
def test_call_that_is_refused(call, message):
    _refuses(call, message)


@pytest.mark.parametrize(("call", "message"), FILES)
def test_file_that_is_refused(call, message, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    _refuses(lambda: call(rbm(), file), message)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    "make",
    [
        lambda: gz.RBM(units.Bernoulli(6), units.Spin(2)),
        lambda: gz.DeepBoltzmannMachine(
            [units.Bernoulli(n) for n in (6, 2, 2)]
        ),
        lambda: gz.EnergyModel(spaces.Binary((2, 3))),
        lambda: gz.MaxEnt(spaces.Binary(6), features.Moments(1)),
    ],
)
def test_rows_of_another_width_are_not_cut_anew(make):
    # 32 rows of three were sixteen of six.
    model = make()
    _refuses(
        lambda: model(BITS[:, :3].astype("float32")), r"received \(32, 3\)"
    )
    assert model(BITS.reshape(32, *model.event_shape)).shape == (32,)


def test_threads_that_sample_get_different_examples():
    """Each draw is counted once, and none is given twice."""
    import threading

    counter = rbm().draws
    begun = counter.state.numpy()[3]
    keys, lock = [], threading.Lock()

    def draw():
        for _ in range(50):
            key = tuple(counter.next(1).key.numpy().tolist())
            with lock:
                keys.append(key)

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 200
    assert counter.state.numpy()[3] == begun + 200
    counter.state.assign([*counter.state.numpy()[:3], begun])
