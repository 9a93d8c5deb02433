"""What every model of the zoo promises; one row in `MODELS` for each."""

import json
import os
import subprocess
import sys
import tempfile
from typing import NamedTuple

import gan_cases
import keras
import numpy as np
import tensorflow as tf

import genzoo as gz


class Case(NamedTuple):
    """How to make a model, and data for it.

    Attributes:
        make: function of the seed to a compiled model.
        data: array of examples.
        served: the functions of examples that an export serves.
        batch_size: rows of a batch; None for models that take all at once.
        is_shuffled: whether the order of the examples matters.
        labels: labels or conditions of the examples, or None.
        loss: what `fit` reports first.
        sampling: arguments of `sample` beside n and the seed.
    """

    make: callable
    data: np.ndarray
    served: tuple = ("serve", "energy", "hidden_mean", "log_prob")
    batch_size: int | None = 20
    is_shuffled: bool = True
    labels: np.ndarray | None = None
    loss: str = "loss"
    sampling: tuple = (("steps", 7),)

    @property
    def examples(self):
        """What a dataset gives: x, or (x, labels)."""
        given = self.labels is not None
        return (self.data, self.labels) if given else self.data

    @property
    def is_conditional(self):
        """Whether an RBM has no density but given something else."""
        return "condition" in dict(self.sampling)

    def sample(self, model, n, **options):
        """n samples of a model."""
        return model.sample(n, **{**dict(self.sampling), **options})


def _gan_case(make, data, labels=None, **options):
    options["sampling"] = () if labels is None else (("labels", 1),)
    return Case(
        make,
        data,
        ("score",),
        labels=labels,
        loss="generator_loss",
        **options,
    )


def _bits(n=96):
    rng = np.random.default_rng(0)
    x = rng.random((n, 6)) < 0.4
    x[:, 1] = x[:, 0]
    return x.astype("uint8")


def _rbm(loss, visible=gz.units.Bernoulli, optimizer="adam", **options):
    def make(seed):
        hidden = gz.units.Bernoulli(4)
        rbm = gz.RBM(visible(6), hidden, seed=seed, **options)
        rbm.compile(optimizer() if callable(optimizer) else optimizer, loss)
        return rbm

    return make


def _noise():
    return np.random.default_rng(1).standard_normal((96, 6)).astype("float32")


def _table(n=96):
    """Bits, one of three states, and a wide real number, in a row each."""
    rng = np.random.default_rng(3)
    state = rng.integers(0, 3, n)
    bits = rng.random((n, 4)) < 0.2 + 0.3 * state[:, None]
    real = 1e4 * (state + rng.standard_normal(n))
    columns = bits, np.eye(3)[state], real[:, None]
    return np.concatenate(columns, axis=1).astype("float32")


def _mixed(seed):
    visible = [
        gz.units.Bernoulli((2, 2)),
        gz.units.Categorical(1, 3),
        gz.units.Gaussian(1),
    ]
    hidden = [gz.units.Spin(2), gz.units.Bernoulli(2)]
    rbm = gz.RBM(visible, hidden, seed=seed)
    rbm.compile("adam", gz.losses.PersistentContrastiveDivergence(chains=16))
    return rbm


def _counted(seed):
    """Counts, shares and a real number, over units that are no bits."""
    visible = [
        gz.units.Binomial(2, trials=3),
        gz.units.Poisson(1),
        gz.units.UnitInterval(2),
        gz.units.DoubleReLU(1),
    ]
    hidden = [gz.units.Bernoulli(2), gz.units.Binomial(1, trials=2)]
    rbm = gz.RBM(visible, hidden, seed=seed)
    rbm.compile("adam", gz.losses.ContrastiveDivergence(2))
    return rbm


def _counts(n=96):
    """Of three, a count without bound, two shares and a real number."""
    rng = np.random.default_rng(4)
    share = rng.beta(2, 3, (n, 2))
    columns = rng.binomial(3, share), rng.poisson(4 * share[:, :1]), share
    real = rng.standard_normal((n, 1)) + 3 * share[:, :1]
    return np.concatenate([*columns, real], axis=1).astype("float32")


def _conditional(seed):
    visible, hidden = gz.units.Bernoulli(6), gz.units.Bernoulli(4)
    condition = gz.units.Categorical(1, 3)
    rbm = gz.RBM(visible, hidden, condition=condition, seed=seed)
    rbm.compile("adam", "cd")
    return rbm


def _labelled(seed):
    blocks = {
        "bits": gz.units.Bernoulli(6),
        "label": gz.units.Categorical(1, 3),
    }
    rbm = gz.RBM(blocks, gz.units.Bernoulli(4), seed=seed)
    rbm.compile("adam", gz.losses.Hybrid(0.1))
    return rbm


def _bags(seed):
    rbm = gz.RBM(gz.units.Multinomial(6), gz.units.Bernoulli(3), seed=seed)
    rbm.compile("adam", gz.losses.ContrastiveDivergence(2))
    return rbm


def _documents(n=96):
    """Counts of six words; some documents have none."""
    return np.random.default_rng(5).poisson(_bits(n) + 0.2).astype("uint8")


def _labels(n=96):
    """One of three classes, which the bits of `_bits` tell of."""
    return (_bits(n)[:, 0] * 2 + np.arange(n) % 2) % 3


def _spins(n=96):
    rng = np.random.default_rng(2)
    x = rng.random((n, 6)) < 0.4
    # Correlated, but no pair in all examples alike.
    x[: n // 2, 1] = x[: n // 2, 0]
    return (2 * x - 1).astype("int8")


def _energy_case(make, data, **options):
    """A case of a MaxEnt: what it serves, and that order does not matter."""
    options = {"is_shuffled": False, **options}
    served = ("serve", "energy", "log_prob")
    return Case(make, data, served=served, **options)


def _maxent(space, parts, loss="auto", optimizer=None, **options):
    def make(seed):
        model = gz.MaxEnt(space, parts, seed=seed, **options)
        model.compile(optimizer, loss)
        return model

    return make


def _boltzmann(space, loss, optimizer=None, **options):
    def make(seed):
        model = gz.BoltzmannMachine(space, seed=seed, **options)
        model.compile(optimizer, loss)
        return model

    return make


def _energy(seed):
    space = gz.spaces.Real(2)
    network = gz.networks.energy_mlp(space, width=4, depth=1, seed=seed)
    model = gz.EnergyModel(space, network, seed=seed)
    loss = gz.losses.PersistentContrastiveDivergence(chains=16)
    model.compile("adam", loss)
    return model


def _deep_adversary(seed):
    bits = gz.units.Bernoulli
    model = gz.DeepBoltzmannMachine([bits(6), bits(3), bits(2)], seed=seed)
    chains = gz.losses.PersistentContrastiveDivergence(chains=16)
    rule = gz.losses.Adversarial(chains, weight=0.3, sees="hidden")
    model.compile("adam", rule)
    return model


def _deep(seed):
    bits = gz.units.Bernoulli
    layers = [bits(6), [bits(2), gz.units.Spin(1)], bits(3), bits(2)]
    model = gz.DeepBoltzmannMachine(layers, kernel_regularizer="l2", seed=seed)
    loss = gz.losses.PersistentContrastiveDivergence(chains=16)
    model.compile("adam", loss)
    return model


_CHAINS = gz.losses.PersistentContrastiveDivergence(2, chains=16)
_POWERS = [gz.features.Moments(1, 2), gz.features.Pairwise()]

MODELS = {
    "maxent newton": _energy_case(
        _maxent(
            gz.spaces.Spin(6),
            [gz.features.Moments(1), gz.features.Pairwise()],
        ),
        _spins(),
    ),
    "maxent chains": _energy_case(
        _maxent(
            gz.spaces.Spin((2, 3)),
            [gz.features.LatticeBonds((2, 3)), gz.features.Moments(1)],
            _CHAINS,
        ),
        _spins().reshape(-1, 2, 3),
    ),
    "maxent conditional": _energy_case(
        _maxent(
            gz.spaces.Categorical([0, 1, 2]),
            gz.features.Indicators([0, 1]),
            condition=6,
        ),
        _labels()[:, None],
        batch_size=None,
        labels=_bits(),
        sampling=(("condition", np.eye(6)[0]),),
    ),
    # Too many states to list, narrow enough for the transfer matrix.
    "maxent strip": _energy_case(
        _maxent(gz.spaces.Spin((3, 8)), [gz.features.LatticeBonds((3, 8))]),
        np.tile(_spins(), (1, 4)).reshape(-1, 3, 8),
    ),
    "maxent real": _energy_case(
        _maxent(gz.spaces.Real(2), _POWERS), _noise()[:, :2]
    ),
    "maxent real chains": _energy_case(
        _maxent(gz.spaces.Real(2), _POWERS, _CHAINS, "adam"), _noise()[:, :2]
    ),
    "boltzmann lbfgs": _energy_case(
        _boltzmann(gz.spaces.Spin(6), gz.losses.Pseudolikelihood(l1=0.01)),
        _spins(),
        batch_size=None,
    ),
    "boltzmann adam": _energy_case(
        _boltzmann(gz.spaces.Binary(6), "pseudolikelihood", "adam"),
        _bits(),
        is_shuffled=True,
    ),
    "boltzmann potts": _energy_case(
        _boltzmann(gz.spaces.Categorical([-1, 0, 1], 6), _CHAINS),
        _spins() * (np.arange(96)[:, None] % 3 > 0),
    ),
    "boltzmann cd": _energy_case(
        _boltzmann(gz.spaces.Spin(6), "cd", "sgd", edges=[[0, 1], [4, 5]]),
        _spins(),
        is_shuffled=True,
    ),
    "boltzmann flow": _energy_case(
        _boltzmann(
            gz.spaces.Spin((2, 3)),
            "minimum_probability_flow",
            "sgd",
            edges="lattice",
        ),
        _spins().reshape(-1, 2, 3),
        is_shuffled=True,
    ),
    "rbm pcd": Case(
        _rbm(gz.losses.PersistentContrastiveDivergence(1, chains=8)), _bits()
    ),
    "rbm cd": Case(_rbm("cd"), _bits()),
    "rbm exact": Case(_rbm("exact_likelihood"), _bits()),
    "rbm pseudolikelihood": Case(
        _rbm(gz.losses.Pseudolikelihood(sites=2)), _bits()
    ),
    "rbm bfloat16": Case(_rbm("pcd", dtype="mixed_bfloat16"), _bits()),
    "rbm float16": Case(_rbm("pcd", dtype="mixed_float16"), _bits()),
    "rbm spins": Case(
        _rbm("pcd", gz.units.Spin), (2.0 * _bits() - 1).astype("float32")
    ),
    "rbm mixed": Case(_mixed, _table()),
    "rbm counted": Case(_counted, _counts()),
    "rbm conditional": Case(
        _conditional,
        _bits(),
        served=("serve", "energy", "log_prob"),
        labels=_labels(),
        sampling=(("steps", 7), ("condition", 1)),
    ),
    "rbm labelled": Case(
        _labelled, np.concatenate([_bits(), np.eye(3)[_labels()]], axis=1)
    ),
    "rbm bags": Case(
        _bags, _documents(), sampling=(("steps", 7), ("condition", 4))
    ),
    "rbm gaussian": Case(
        _rbm(
            "pcd",
            lambda n: gz.units.Gaussian(n, learn_variance=True),
            lambda: keras.optimizers.SGD(
                keras.optimizers.schedules.ExponentialDecay(0.05, 5, 0.5),
                momentum=0.5,
            ),
            kernel_regularizer="l2",
        ),
        _noise(),
    ),
    "deep": Case(
        _deep,
        _bits(),
        served=("energy", "hidden_mean", "log_prob", "bound"),
    ),
    "deep adversary": Case(
        _deep_adversary,
        _bits(),
        served=("energy", "hidden_mean", "log_prob", "bound"),
    ),
    "energy real": Case(
        _energy, _noise()[:, :2], served=("serve", "energy", "log_prob")
    ),
    "gan points": _gan_case(
        lambda seed: gan_cases.points_gan(
            "relativistic_pairing",
            gz.penalties.DRAGAN(1.0, fraction=1 / 2),
            seed=seed,
            networks={"packing": 3, "spectral_normalization": True},
            packing=3,
            latent="uniform",
            compiling={"discriminator_steps": 2},
        ),
        gan_cases.ring(),
    )._replace(served=()),
    "gan images": _gan_case(gan_cases.float16_gan, *gan_cases.spots()),
    "gan clusters": _gan_case(gan_cases.clusters_gan, gan_cases.spots()[0]),
}


def state(model):
    """The values of all variables, optimizers' included."""
    return [np.asarray(v.numpy()) for v in _variables(model)]


def equal_states(one, other, rtol=0.0):
    """Assert that two lists of values agree, by default bit for bit."""
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(
            a.astype(np.float64), b.astype(np.float64), rtol
        )


def _variables(model):
    variables = [*model.weights, *model.optimizer.variables]
    if hasattr(model, "discriminator_optimizer"):
        variables += model.discriminator_optimizer.variables
    if getattr(model, "critic", None) is not None:
        variables += model.critic.network.weights
        variables += model.critic.optimizer.variables
    return variables


def fit(case, model, epochs, **options):
    """Train on the case's data, in batches of 20: the last one is shorter."""
    options = {"batch_size": case.batch_size, "verbose": 0, **options}
    return model.fit(case.data, case.labels, epochs=epochs, **options)


def learned(model):
    """The variables that `fit` changes."""
    return getattr(model, "parameters", model.trainable_variables)


class Run:
    """A case's model, trained once for all its checks: a trace costs seconds.

    Attributes:
        name: of the case.
        case: the `Case`.
        model: with seed 3. Whoever uses it says first where it is to be, by
            `back_to`, and may then do with it what he likes.
        states: by the epochs trained, the values of all variables.
        losses: of the first two epochs.
        folder: holds half.keras and half.weights.h5, of two epochs.
    """

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.case = MODELS[name]
        self.model = self.case.make(seed=3)
        self.states = {0: state(self.model)}
        self.losses = []
        for epochs, more in ((1, 1), (2, 1), (4, 2)):
            history = fit(self.case, self.model, more)
            self.losses += history.history[self.case.loss]
            self.states[epochs] = state(self.model)
            if epochs == 2:
                self.model.save(folder / "half.keras")
                self.model.save_weights(folder / "half.weights.h5")
        del self.losses[2:]

    def back_to(self, epochs):
        """The model, with all variables as they were after so many epochs.

        Were something of a run no variable, it would not be back, and what
        is trained from here would differ from the later states.
        """
        variables = _variables(self.model)
        for variable, value in zip(variables, self.states[epochs], strict=True):
            variable.assign(value)
        equal_states(state(self.model), self.states[epochs])
        return self.model

    def fit(self, model, epochs, **options):
        """Train a model on the case's data."""
        return fit(self.case, model, epochs, **options)


class Child:
    """A Python process that runs one function of files again and again.

    Args:
        code: defines the function, `run`. What it imports is imported once.
    """

    _LOOP = """
import json, os, sys, traceback
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
for line in sys.stdin:
    try:
        run(*json.loads(line))
        answer = None
    except BaseException:
        answer = traceback.format_exc()
    print(json.dumps(answer), file=answers, flush=True)
"""

    def __init__(self, code):
        self._told = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-c", code + self._LOOP],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._told,
            text=True,
        )

    def __call__(self, *arguments):
        """Assert that the function has run with these arguments."""
        print(
            json.dumps([str(argument) for argument in arguments]),
            file=self._process.stdin,
            flush=True,
        )
        answer = self._process.stdout.readline()
        if not answer:
            self._told.seek(0)
            raise AssertionError(self._told.read()[-3000:])
        assert json.loads(answer) is None, json.loads(answer)

    def close(self):
        """End the process."""
        self._process.communicate()
        self._told.close()


RESUMES = f"""
import sys
sys.path.insert(0, {os.path.dirname(__file__)!r})
import keras
import contract
def run(name, folder):
    model = keras.models.load_model(folder + "/half.keras")
    contract.fit(contract.MODELS[name], model, 2)
    model.save(folder + "/whole.keras")
"""


def check_resumes_in_another_process(run, child):
    """2 epochs, a save, another process and 2 more equal 4, bit for bit.

    Args:
        run: the `Run`.
        child: a `Child` of `RESUMES`, which has never seen the case.
    """
    child(run.name, run.folder)
    whole = keras.models.load_model(run.folder / "whole.keras")
    equal_states(state(whole), run.states[4])


def check_epochs_add_up(run):
    """4 epochs equal 1, 1 and 2, from the same variables, bit for bit."""
    whole = run.back_to(0)
    run.fit(whole, 4)
    equal_states(state(whole), run.states[4])


def check_no_epochs_train_nothing(run):
    """As in Keras: an empty History, and every variable as it was."""
    model = run.back_to(2)
    history = run.fit(model, 0)
    assert (history.history, history.epoch) == ({}, [])
    equal_states(state(model), run.states[2])


def check_backup_and_restore(run, folder):
    """An interrupted run goes on where its last epoch ended."""

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    def backup():
        return keras.callbacks.BackupAndRestore(str(folder / "backup"))

    first = run.back_to(0)
    try:
        run.fit(first, 4, callbacks=[backup(), Interrupt()])
    except KeyboardInterrupt:
        pass
    second = _made_again(first)
    history = run.fit(second, 4, callbacks=[backup()])
    assert history.epoch == [2, 3]
    equal_states(state(second), run.states[4])


def _made_again(model, **compiling):
    """What `from_config` makes, with another seed, of what is plain json."""
    config = json.dumps(model.get_config())
    again = type(model).from_config({**json.loads(config), "seed": [99, 0]})
    found = {**again.get_config(), "seed": model.get_config()["seed"]}
    # Keras does not tell tuples from lists.
    assert json.dumps(found) == config
    compiled = json.loads(json.dumps(model.get_compile_config()))
    again.compile_from_config({**compiled, **compiling})
    return again


def check_config_and_weights_file_resume(run, at_once=1):
    """A run is its configuration, which is plain json, and a weights file.

    Several checks in one model, since a trace costs seconds: it goes on as
    the model did that the weights are of, however many steps are run at once.
    Sums of float64 may then be in another order; to float32 it is no room.
    """
    again = _made_again(run.back_to(0), steps_per_execution=at_once)
    again.load_weights(run.folder / "half.weights.h5")
    run.fit(again, 2)
    rtol = 0 if at_once == 1 else 1e-9
    equal_states(state(again), run.states[4], rtol)


def check_keras_habits(run):
    """History, validation, tf.data, steps_per_execution, early stopping."""
    case, model = run.case, run.back_to(0)
    watched = "val_" + case.loss
    stop = keras.callbacks.EarlyStopping(watched, patience=0, mode="max")
    held_out = tf.nest.map_structure(lambda part: part[:32], case.examples)
    history = run.fit(model, 3, validation_data=held_out, callbacks=[stop])
    assert {case.loss, watched} <= set(history.history)
    assert np.isfinite(history.history[case.loss]).all()
    run.fit(model, 1, validation_split=0.25)
    results = model.evaluate(
        case.data, case.labels, verbose=0, return_dict=True
    )
    assert np.isfinite(results[case.loss])
    if not isinstance(model, gz.GAN) and not case.is_conditional:
        assert model.predict(case.data, verbose=0).shape[0] == len(case.data)
    dataset = tf.data.Dataset.from_tensor_slices(case.examples).batch(20)
    options = {"epochs": 1, "verbose": 0}
    fitted = model.fit(dataset.repeat(), steps_per_epoch=4, **options)
    assert fitted.epoch == [0]
    model.fit(dataset, validation_data=dataset, **options)


def check_epochs_are_shuffled_anew(run):
    """Each epoch has its own order, which follows from the seed alone."""

    def orders(model):
        seen = []
        rows = model.draws

        class Watch(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                seen.append(rows.epoch_key())

        run.fit(model, 3, callbacks=[Watch()])
        return seen

    keras.utils.set_random_seed(0)
    first = orders(run.back_to(0))
    assert len(set(first)) == 3
    assert orders(run.back_to(0)) == first
    assert orders(run.case.make(seed=4)) != first


SERVES = """
import sys
sys.modules["genzoo"] = sys.modules["keras"] = None
import os, numpy as np, tensorflow as tf
def run(folder, functions, script=None):
    if script is not None:
        os.chdir(folder)
        exec(script, {})
        return
    model = tf.saved_model.load(os.path.join(folder, "served"))
    with np.load(os.path.join(folder, "x.npz")) as f:
        x, drawing = f["x"], [f[k] for k in f if k.startswith("drawing")]
        labels = [f["labels"]] if "labels" in f else []
    out = {"sample": model.sample(9, [3, 4], *drawing)}
    for name in filter(None, functions.split(",")):
        out[name] = getattr(model, name)(x, *labels)
    if hasattr(model, "gibbs"):
        out["gibbs"] = model.gibbs(x, [5, 6], 4)
    assert sys.modules["genzoo"] is sys.modules["keras"] is None
    out = {k: v.numpy() for k, v in out.items()}
    np.savez(os.path.join(folder, "out.npz"), **out)
"""


def check_serves_without_genzoo(run, folder, child):
    """A process with TensorFlow alone draws the same samples.

    Args:
        run: the `Run`.
        folder: an empty one.
        child: a `Child` of `SERVES`.
    """
    case, model = run.case, run.back_to(1)
    if hasattr(model, "log_partition"):
        model.log_partition()
    model.export(folder / "served")
    x = case.data[:5].astype("float32")
    drawing, judged = dict(case.sampling), {}
    if case.labels is not None:
        drawing["labels"] = np.full(9, drawing["labels"], "int32")
        if model._drawing.critic_is_told:
            judged["labels"] = case.labels[:5].astype("int32")
    given = {f"drawing{i}": v for i, v in enumerate(drawing.values())}
    np.savez(folder / "x.npz", x=x, **given, **judged)
    child(folder, ",".join(case.served))
    with np.load(folder / "out.npz") as served:
        np.testing.assert_array_equal(
            served["sample"], case.sample(model, 9, seed=(3, 4))
        )
        if "gibbs" in served:
            np.testing.assert_array_equal(
                served["gibbs"], model.sample(5, seed=(5, 6), steps=4, start=x)
            )
        assert ("gibbs" in served) == bool(getattr(model, "walks", None))
        for function in case.served:
            here = "energy" if function == "serve" else function
            here = getattr(model, here)(x, **judged)
            np.testing.assert_allclose(served[function], here, rtol=1e-5)


def check_samples(run):
    """Samples follow from the seed and lie in the space."""
    case, model = run.case, run.back_to(1)
    x = case.sample(model, 7, seed=1)
    assert x.shape == (7, *case.data.shape[1:])
    assert not model.space.outside(x)
    np.testing.assert_array_equal(x, case.sample(model, 7, seed=1))
    assert (x != case.sample(model, 7, seed=2)).any()
    # What the model draws for itself is new each time, and is no part of
    # training.
    assert (case.sample(model, 9) != case.sample(model, 9)).any()
    aside = ("draw", "log_partition", "watch")
    kept = [w for w in model.weights if not any(a in w.path for a in aside)]
    before = [w.numpy() for w in kept]
    model.evaluate(case.data, case.labels, verbose=0)
    after = [w.numpy() for w in kept]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)
    run.fit(model, 1)
    drawn = [w.numpy() for w in learned(model)]
    for a, b in zip(drawn, learned(run.back_to(2)), strict=True):
        np.testing.assert_array_equal(a, b.numpy())
