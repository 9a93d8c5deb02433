"""`compile` does all or nothing; names of results; idle keywords."""

import keras
import numpy as np
import pytest

import genzoo as gz

RNG = np.random.default_rng(1)
BITS = (RNG.random((40, 4)) < 0.3).astype("uint8")
POINTS = RNG.normal(size=(40, 2)).astype("float32")


def rbm(**options):
    units = gz.units.Bernoulli(4), gz.units.Bernoulli(3)
    return gz.RBM(*units, seed=0, **options), BITS


def machine(**options):
    return gz.BoltzmannMachine(gz.spaces.Binary(4), seed=0, **options), BITS


def maxent(**options):
    features = gz.features.Moments(1)
    return gz.MaxEnt(gz.spaces.Binary(4), features, seed=0, **options), BITS


def gan(**options):
    networks = gz.networks.mlp(2, 2, width=8, depth=1)
    return gz.GAN(*networks, seed=0, **options), POINTS


FAMILIES = [rbm, machine, maxent, gan]
CHAINS = gz.losses.PersistentContrastiveDivergence


class Gap(keras.metrics.Metric):
    """One's own metric of two samples."""

    def __init__(self, name="gap", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, real, generated):
        """The difference of the means."""
        real, generated = (
            keras.ops.mean(keras.ops.cast(x, "float32"))
            for x in (real, generated)
        )
        self.total.assign_add(real - generated)

    def result(self):
        """Added over the batches."""
        return self.total


class MeanGap(keras.metrics.Mean):
    """Keras's mean of what one finds oneself."""

    def update_state(self, real, generated):
        """The difference of the means."""
        gap = keras.ops.mean(keras.ops.cast(real, "float32"))
        super().update_state(gap - keras.ops.mean(generated))


def foreign():
    optimizer = keras.optimizers.Adam()
    optimizer.build([keras.Variable([1.0])])
    return optimizer


REFUSED = {
    "loss": lambda: {"loss": "mse"},
    "optimizer": lambda: {"optimizer": "adem"},
    "another model's optimizer": lambda: {"optimizer": foreign()},
    "steps": lambda: {"steps_per_execution": 0},
    "half steps": lambda: {"steps_per_execution": 1.5},
    "xla": lambda: {"jit_compile": "always"},
    "eager": lambda: {"run_eagerly": "yes"},
    "metrics": lambda: {"metrics": ["accuracy"]},
    "squares": lambda: {"metrics": ["mse"]},
    "pairs": lambda: {"metrics": [keras.metrics.BinaryAccuracy()]},
    "a class of pairs": lambda: {"metrics": keras.metrics.MeanSquaredError},
    "values": lambda: {"metrics": [keras.metrics.Mean()]},
    "function": lambda: {"metrics": [lambda y, z: y - z]},
    "wrapped": lambda: {"metrics": [keras.metrics.MeanMetricWrapper(min)]},
    "one name": lambda: {"metrics": [Gap(), Gap()]},
}
OF_FAMILY = {
    "rbm": [
        {
            "optimizer": keras.optimizers.LossScaleOptimizer(
                keras.optimizers.SGD()
            )
        },
        {"loss": CHAINS(chains=10**14)},
        {"loss": gz.losses.Pseudolikelihood(sites=9)},
    ],
    "machine": [{"optimizer": "newton", "loss": "pseudolikelihood"}],
    "maxent": [
        {"optimizer": "newton", "loss": "pcd"},
        {"loss": CHAINS(chains=10**14)},
    ],
    "gan": [
        {"penalties": ["r9"]},
        {"discriminator_steps": 0},
        {"auxiliary_weight": "much"},
        {"discriminator_optimizer": "adem"},
    ],
}


def description(model):
    """All that `compile` chooses, and all weights."""
    config = keras.saving.serialize_keras_object(model.get_compile_config())
    functions = model.train_function, model.test_function
    weights = [np.array(weight) for weight in model.weights]
    parts = [model.optimizer, model.loss, model._compared, *functions]
    return config, [id(part) for part in parts], weights


@pytest.mark.parametrize("make", FAMILIES)
def test_a_refused_compile_changes_nothing(make):
    model, x = make()
    wrong = [case() for case in REFUSED.values()] + OF_FAMILY[make.__name__]
    for arguments in wrong:
        with pytest.raises(ValueError, match="."):
            model.compile(**arguments)
        assert not model.compiled
        assert getattr(model, "chains", None) is None
    chains = {} if make in (gan, machine) else {"loss": CHAINS(2, chains=8)}
    model.compile("adam", metrics=[Gap()], **chains)
    model.train_on_batch(x)
    before = description(model)
    for arguments in wrong:
        with pytest.raises(ValueError, match="."):
            model.compile(**arguments)
        config, ids, weights = description(model)
        assert (config, ids) == before[:2]
        for value, now in zip(before[2], weights, strict=True):
            np.testing.assert_array_equal(value, now)
    model.fit(x, verbose=0)
    # With the same optimizer again, which knows the weights already.
    model.compile(model.optimizer, **chains)


@pytest.mark.parametrize("make", FAMILIES)
def test_names_are_those_of_what_evaluate_returns(make):
    model, x = make()
    model.compile(
        metrics=[Gap(), MeanGap(name="mean_gap"), gz.metrics.MomentError()]
    )
    names = model.metrics_names
    held = model.fit(x, validation_data=x, verbose=0).history
    assert {"val_gap", "val_moment_error_mean"} <= held.keys()
    found = model.evaluate(x, verbose=0)
    assert names == model.metrics_names
    assert len(names) == len(found)
    told = model.evaluate(x, verbose=0, return_dict=True)
    assert set(names) == set(told)
    for name, value in zip(names, found, strict=True):
        # Those of samples are drawn anew.
        if make in (machine, maxent) and name.endswith(
            ("loss", "entropy", "divergence")
        ):
            assert value == pytest.approx(told[name], abs=1e-6)
    assert all(np.ndim(v) == 0 for v in model.get_metrics_result().values())


def test_names_of_a_metric_do_not_depend_on_those_before():
    names = [gz.metrics.FrechetDistance().name for _ in range(3)]
    assert names == ["frechet_distance"] * 3
    assert gz.metrics.ClassifierTwoSample().name == "classifier_two_sample"
    assert gz.metrics.FrechetDistance(name="fid").name == "fid"


@pytest.mark.parametrize(
    "keyword",
    ["activity_regularizer", "autocast", "input_shape", "inputs", "weights"],
)
def test_keywords_of_keras_that_mean_nothing_are_refused(keyword):
    given = {keyword: keras.regularizers.L1(1e3)}
    for make in (rbm, machine, maxent, gan):
        with pytest.raises(ValueError, match=f"{keyword} means nothing"):
            make(**given)
    for unit, sizes in (
        (gz.units.Bernoulli, (3,)),
        (gz.units.Categorical, (3, 2)),
        (gz.units.Gaussian, ((2, 2),)),
    ):
        with pytest.raises(ValueError, match=f"{keyword} means nothing"):
            unit(*sizes, **given)
        unit(*sizes, name="mine", dtype="float64", trainable=False)


def networks(**options):
    dense = keras.layers.Dense
    generator = keras.Sequential([keras.Input((2,)), dense(2)])
    layers = [keras.Input((2,)), dense(4, "tanh", **options), dense(1)]
    return generator, keras.Sequential(layers)


def test_regularizers_of_a_gans_networks_are_obeyed():
    norms = []
    for size in (0.0, 10.0):
        keras.utils.set_random_seed(0)
        penalty = keras.regularizers.L2(size)
        model = gz.GAN(*networks(kernel_regularizer=penalty), seed=0)
        model.compile(keras.optimizers.SGD(0.01), penalties=[])
        model.fit(POINTS, epochs=20, batch_size=20, verbose=0)
        norms.append(float(np.square(model.discriminator.weights[0]).sum()))
    # Each of 40 steps takes away a fifth of a weight.
    assert norms[1] < 0.01 * norms[0]


@pytest.mark.parametrize("frozen", ["generator", "discriminator"])
def test_a_frozen_network_stays(frozen):
    model, x = gan()
    network = getattr(model, frozen)
    network.trainable = False
    model.compile()
    learned = [w for w in network.weights if w.name in ("kernel", "bias")]
    before = [weight.numpy() for weight in learned]
    model.fit(x, verbose=0)
    assert before
    for value, now in zip(before, learned, strict=True):
        np.testing.assert_array_equal(value, now)
