"""The playground: its JavaScript against NumPy's and genzoo's numbers."""

import importlib
import itertools
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import scipy
import tensorflow as tf

import genzoo as gz
from tests.goodness_of_fit import (
    assert_chi_square,
    assert_kolmogorov_smirnov,
    count_states,
)

DOCS = Path(__file__).parents[1] / "docs"
ROOM = DOCS / "playground"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="needs node on the path")


@pytest.fixture(scope="module")
def docs():
    """Modules of docs/, by name."""
    sys.path.insert(0, str(DOCS))
    yield importlib.import_module
    sys.path.remove(str(DOCS))


def run(module, code, **given):
    """What code returns: `module`, `given` and chance are its variables."""
    addresses = [
        json.dumps((ROOM / f"{name}.js").as_uri())
        for name in (module, "random")
    ]
    text = (
        f"import * as module from {addresses[0]};\n"
        f"import {{ normals, uniforms }} from {addresses[1]};\n"
        'import { readFileSync } from "node:fs";\n'
        "const given = JSON.parse(readFileSync(0));\n"
        f"const answer = (() => {{ {code} }})();\n"
        "const plain = (_, x) => ArrayBuffer.isView(x) ? Array.from(x) : x;\n"
        "process.stdout.write(JSON.stringify(answer, plain));\n"
    )
    done = subprocess.run(
        [NODE, "--input-type=module", "--eval", text],
        input=json.dumps(
            given, default=lambda array: np.asarray(array).tolist()
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_node
def test_uniform_numbers_are_uniform_and_come_back():
    found = run(
        "random",
        """
        const draw = (make) => Array.from({ length: 4000 }, make);
        return [uniforms(3), uniforms(3), uniforms(4), normals(uniforms(5))]
          .map(draw);
        """,
    )
    first, again, other, normal = np.array(found)
    np.testing.assert_array_equal(first, again)
    for uniform in (first, other):
        assert_kolmogorov_smirnov(uniform, lambda x: x)
    assert_kolmogorov_smirnov(normal, scipy.stats.norm.cdf)
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 4 / np.sqrt(4000)
    assert abs(np.corrcoef(first, other)[0, 1]) < 4 / np.sqrt(4000)


def _of(model):
    """An RBM's weights, as docs/play.py writes them."""
    return {
        "kernel": np.ravel(model.kernel),
        "visible": np.asarray(model.visible.bias),
        "hidden": np.asarray(model.hidden.bias),
        "logPartition": 0.0,
    }


def _wild(visible, hidden, scale, seed):
    """An RBM whose weights nobody learned."""
    model = gz.RBM(gz.units.Bernoulli(visible), gz.units.Bernoulli(hidden))
    rng = np.random.default_rng(seed)
    for weight in (model.kernel, model.visible.bias, model.hidden.bias):
        weight.assign(rng.normal(0, scale, weight.shape))
    return model


NUMBERS = """
const rbm = new module.RBM(given.weights);
return {
  energies: given.v.map((v) => rbm.energy(v)),
  joint: given.v.map((v, i) => rbm.jointEnergy(v, given.h[i])),
  hidden: given.v.map((v) => rbm.hiddenMeans(v)),
  visible: given.h.map((h) => rbm.visibleMeans(h)),
  logProb: given.v.map((v) => rbm.logProb(v)),
};
"""


def _assert_numbers_of(model, weights, log_z=None):
    rng = np.random.default_rng(11)
    v = rng.random((6, model.visible.size)) < np.linspace(0, 1, 6)[:, None]
    h = rng.random((6, model.hidden.size)) < np.linspace(1, 0, 6)[:, None]
    v, h = v.astype("float32"), h.astype("float32")
    found = run("rbm", NUMBERS, weights=weights, v=v, h=h)
    close = {"rtol": 1e-5, "atol": 1e-5}
    for name, expected in (
        ("energies", model.energy(v)),
        ("joint", model.joint_energy(v, h)),
        ("hidden", model.hidden_mean(v)),
        ("visible", model.visible_mean(h)),
    ):
        np.testing.assert_allclose(found[name], expected, **close)
    if log_z is not None:
        log_p = -model.energy(v) - log_z
        np.testing.assert_allclose(found["logProb"], log_p, **close)


@needs_node
@pytest.mark.parametrize("scale", [0.3, 60.0])
def test_an_rbm_has_the_numbers_of_python(scale):
    model = _wild(9, 5, scale, seed=2)
    _assert_numbers_of(model, _of(model))


@needs_node
def test_the_preset_of_the_page_has_the_numbers_of_python(docs):
    weights = docs("play").machine("rbm_digits_8x8")
    model = gz.from_preset("rbm_digits_8x8")
    log_z = model.log_partition().value
    assert abs(weights["logPartition"] - log_z) < 1e-3
    _assert_numbers_of(model, weights, log_z)
    assert all(set(text) == {"0", "1"} for text in weights["examples"])
    assert {len(text) for text in weights["examples"]} == {64}


@needs_node
@pytest.mark.parametrize("known", [None, [False, True, False]])
def test_gibbs_sampling_draws_what_the_rbm_says(known):
    model = _wild(3, 2, 1.2, seed=3)
    drawn = run(
        "rbm",
        """
        const rbm = new module.RBM(given.weights);
        const uniform = uniforms(7);
        let v = [1, 1, 0];
        return Array.from({ length: 3000 }, () => {
          v = rbm.sweep(v, 8, uniform, given.known).v;
          return v;
        });
        """,
        weights=_of(model),
        known=known,
    )
    states = np.array(list(itertools.product([0.0, 1.0], repeat=3)))
    if known:
        states = states[states[:, 1] == 1]
    p = np.exp(-model.energy(states.astype("float32")).astype(float))
    assert_chi_square(count_states(drawn, states), p / p.sum())


@needs_node
def test_exact_curves_of_the_lattice_are_those_of_genzoo():
    critical = gz.partition.CRITICAL_TEMPERATURE
    temperatures = [0.7, 1.4, 2.2, critical, 2.27, 3.9, 11.0]
    found = run(
        "ising",
        "return given.at.map((t) =>"
        " [module.exactEnergy(t), module.exactMagnetisation(t)]);",
        at=temperatures,
    )
    expected = [
        (gz.partition.onsager_energy(t), gz.partition.onsager_magnetisation(t))
        for t in temperatures
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@needs_node
def test_neighbours_are_those_of_the_torus():
    found = run("ising", "return new module.Lattice(6).neighbours;")
    site = np.arange(36).reshape(6, 6)
    shifted = [
        np.roll(site, shift, axis).ravel()
        for axis in (0, 1)
        for shift in (1, -1)
    ]
    np.testing.assert_array_equal(
        np.sort(np.reshape(found, (36, 4))), np.sort(np.transpose(shifted))
    )


@needs_node
def test_the_lattice_is_in_equilibrium_at_its_temperature():
    found = run(
        "ising",
        """
        const lattice = new module.Lattice(4);
        const uniform = uniforms(5);
        const average = new module.Average();
        const spins = [];
        lattice.sweep(2.6, 100, uniform);
        for (let i = 0; i < 20000; i++) {
          lattice.sweep(2.6, 1, uniform);
          average.add(lattice.energy());
          if (i % 2000 === 0)
            spins.push([
              lattice.spins.slice(), lattice.energy(), lattice.magnetisation(),
            ]);
        }
        const up = [-4, -2, 0, 2, 4].map((f) => module.upProbability(f, 2.6));
        return { energy: average.value, error: average.error, spins, up };
        """,
    )
    exact = gz.partition.torus_energy((4, 4), 2.6)
    assert abs(found["energy"] - exact) < 4 * found["error"]
    assert 1e-3 < found["error"] < 1e-2
    for spins, energy, magnetisation in found["spins"]:
        spins = np.reshape(spins, (1, 4, 4))
        assert energy == pytest.approx(gz.metrics.lattice.energy(spins)[0])
        assert magnetisation == pytest.approx(spins.mean())
    field = np.array([-4, -2, 0, 2, 4])
    odds = np.exp(field / 2.6) / (np.exp(field / 2.6) + np.exp(-field / 2.6))
    np.testing.assert_allclose(found["up"], odds, atol=1e-12)


@needs_node
def test_the_error_of_an_average_knows_of_correlations():
    rng = np.random.default_rng(4)
    # Of an autoregression with coefficient r the variance of the mean is that
    # of independent numbers times (1 + r) / (1 - r).
    r, n, chains = 0.8, 4096, 40
    x = scipy.signal.lfilter([1], [1, -r], rng.normal(size=(chains, n)))
    found = run(
        "ising",
        """
        return given.x.map((chain) => {
          const average = new module.Average();
          chain.forEach((one) => average.add(one));
          return [average.value, average.error];
        });
        """,
        x=x.round(6),
    )
    values, errors = np.transpose(found)
    np.testing.assert_allclose(values, x.mean(axis=1), atol=1e-5)
    expected = np.sqrt(1 / (1 - r**2) * (1 + r) / (1 - r) / n)
    assert abs(errors.mean() / expected - 1) < 0.1


@needs_node
def test_the_die_is_that_of_maxent():
    faces, means = [1, 2, 3, 4, 5, 6], [1.01, 1.7, 3.5, 4.5, 5.99]
    found = run(
        "maxent",
        "return given.means.map((mean) => module.fit(given.faces, mean));",
        faces=faces,
        means=means,
    )
    die = gz.MaxEnt(gz.spaces.Categorical(faces), gz.features.Moments(1))
    die.compile()
    for mean, one in zip(means, found, strict=True):
        die.fit(observations=[mean], verbose=0)
        assert one["multiplier"] == pytest.approx(die.multipliers[0], abs=1e-5)
        assert one["entropy"] == pytest.approx(die.entropy(), abs=1e-5)
        p = die.prob(die.space.states())
        np.testing.assert_allclose(one["p"], p, atol=1e-5)
        assert abs(np.dot(one["p"], faces) - mean) < 1e-10
        assert one["steps"] < 20


@needs_node
def test_numbers_that_no_die_has_are_fitted_or_refused():
    values = [-40.0, 0.5, 0.5, 1000.0]
    found = run("maxent", "return module.fit(given.x, 900);", x=values)
    p = np.array(found["p"])
    assert abs(p @ values - 900) < 1e-8
    np.testing.assert_allclose(
        np.log(p) - found["multiplier"] * np.array(values),
        -found["logPartition"],
        atol=1e-9,
    )
    # Here a whole step of Newton's leads away from the answer.
    rare = [0] * 10 + [1]
    found = run("maxent", "return module.fit(given.x, 0.5);", x=rare)
    assert found["multiplier"] == pytest.approx(np.log(10), abs=1e-9)
    for mean in (1, 6, 7):
        with pytest.raises(AssertionError, match="mean must lie between"):
            run("maxent", "return module.fit([1, 6], given.mean);", mean=mean)


def _log_normal(x, mean, log_sd):
    z = (x - mean) * tf.exp(-log_sd)
    return -0.5 * z**2 - log_sd - 0.5 * np.log(2 * np.pi)


@needs_node
@pytest.mark.parametrize("place", [(0.3, 0.1), (-1.6, -0.9), (2.5, 0.8)])
def test_divergences_and_their_gradients_are_exact(place):
    found = run(
        "modes",
        """
        const [mean, logSd] = given.place;
        const model = { mean, logSd };
        return [
          module.divergences(model),
          module.forwardGradient(model),
          module.reverseGradient(model),
        ];
        """,
        place=place,
    )
    x = tf.linspace(tf.constant(-40.0, tf.float64), 40, 40_001)
    data = tf.reduce_logsumexp(
        [
            np.log(0.7) + _log_normal(x, -1.75, np.log(0.5)),
            np.log(0.3) + _log_normal(x, 1.75, np.log(0.5)),
        ],
        axis=0,
    )
    at = [tf.Variable(one, dtype=tf.float64) for one in place]
    with tf.GradientTape(persistent=True) as tape:
        model = _log_normal(x, *at)
        forward = tf.reduce_sum(tf.exp(data) * (data - model)) * 2e-3
        reverse = tf.reduce_sum(tf.exp(model) * (model - data)) * 2e-3
    values, by_forward, by_reverse = found
    close = {"rtol": 1e-5, "atol": 1e-5}
    for value, gradient, expected in (
        (values["forward"], by_forward, forward),
        (values["reverse"], by_reverse, reverse),
    ):
        np.testing.assert_allclose(value, expected, **close)
        np.testing.assert_allclose(
            gradient, tape.gradient(expected, at), **close
        )


@needs_node
def test_the_adversary_and_its_model_follow_their_losses():
    rng = np.random.default_rng(6)
    data, noise = rng.normal(-1, 2, 7), rng.normal(0, 1, 9)
    found = run(
        "modes",
        """
        const judge = new module.Discriminator(4, normals(uniforms(1)));
        const model = { mean: 0.4, logSd: -0.3 };
        const drawn = given.noise.map((z) =>
          model.mean + Math.exp(model.logSd) * z);
        return {
          weights: judge.weights,
          judged: given.data.map((x) => judge.judge(x)),
          lesson: judge.gradient(given.data, drawn),
          answer: module.generatorGradient(model, judge, given.noise),
        };
        """,
        data=data,
        noise=noise,
    )
    weights = tf.Variable(found["weights"], dtype=tf.float64)
    at = [tf.Variable(one, dtype=tf.float64) for one in (0.4, -0.3)]

    def logit(x):
        slope, offset, weight = tf.unstack(tf.reshape(weights[:12], (3, 4)))
        hidden = tf.tanh(x[:, None] * slope + offset)
        return tf.linalg.matvec(hidden, weight) + weights[12]

    with tf.GradientTape(persistent=True) as tape:
        drawn = at[0] + tf.exp(at[1]) * noise
        real, fake = logit(tf.constant(data)), logit(drawn)
        lesson = tf.reduce_mean(tf.nn.softplus(-real))
        lesson += tf.reduce_mean(tf.nn.softplus(fake))
        answer = tf.reduce_mean(tf.nn.softplus(-fake))
    close = {"atol": 1e-10}
    np.testing.assert_allclose(found["judged"], tf.sigmoid(real), **close)
    np.testing.assert_allclose(
        found["lesson"], tape.gradient(lesson, weights), **close
    )
    np.testing.assert_allclose(
        found["answer"], tape.gradient(answer, at), **close
    )


@needs_node
def test_a_walk_is_that_of_genzoo_and_sliders_are_parts_of_a_latent():
    rng = np.random.default_rng(8)
    a, b = rng.normal(size=(2, 6))
    directions = np.linalg.qr(rng.normal(size=(6, 3)))[0].T
    found = run(
        "gan",
        """
        const parts = module.parted(given.a, given.directions);
        return {
          walk: [0, 0.25, 1].map((t) =>
            module.greatCircle(given.a, given.b, t)),
          still: module.greatCircle(given.a, given.a, 0.5),
          parts,
          joined: module.joined(parts, given.directions),
        };
        """,
        a=a,
        b=b,
        directions=directions,
    )
    angle = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    quarter = np.sin(0.75 * angle) * a + np.sin(0.25 * angle) * b
    expected = [a, quarter / np.sin(angle), b]
    np.testing.assert_allclose(found["walk"], expected, atol=1e-12)
    np.testing.assert_allclose(found["still"], a, atol=1e-12)
    np.testing.assert_allclose(found["joined"], a, atol=1e-12)
    np.testing.assert_allclose(
        found["parts"]["along"], directions @ a, atol=1e-12
    )
    rest = directions @ found["parts"]["rest"]
    np.testing.assert_allclose(rest, 0, atol=1e-12)


def test_directions_are_those_that_the_first_layer_stretches(docs):
    rng = np.random.default_rng(9)
    kernel = rng.normal(size=(5, 20)).astype("float32")
    kernel[:3] = np.diag([1.0, 50.0, 7.0]) @ kernel[:3]
    helper = onnx.helper
    values = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", size])
        for name, size in (("z", 5), ("y", 20))
    ]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["z", "w"], ["y"])],
        "one",
        values[:1],
        values[1:],
        [onnx.numpy_helper.from_array(kernel, "w")],
    )
    written = helper.make_model(graph).SerializeToString()
    found = docs("play").directions(written, latents=3, count=2)
    np.testing.assert_allclose(found @ found.T, np.eye(2), atol=1e-5)
    stretched = np.linalg.norm(found @ kernel[:3], axis=1)
    random = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    assert stretched[0] > stretched[1] > 0
    assert stretched[0] >= np.linalg.norm(random @ kernel[:3], axis=1).max()


def test_pages_of_the_zoo_that_draw_have_what_they_load(docs):
    pages = docs("pages")
    for name in pages.DRAWN:
        kind = gz.zoo.card(name)["class"]
        assert kind in ("RBM", "GAN")
        assert f'data-preset="{name}"' in pages._drawing(name, kind)


CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "google-chrome"))), None
)


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the path")
def test_a_page_that_is_wrong_is_found_in_the_browser(docs, tmp_path):
    browser = docs("browser")
    for name, text in (
        ("good", "document.body.dataset.ready = 5"),
        (
            "bad",
            "document.body.dataset.ready = 5; console.error('lost');"
            "fetch('http://192.0.2.1:9/x').catch(() => 0); throw Error('no');",
        ),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(
            '<!doctype html><link rel="icon" href="data:,"><body><p>here'
            f"<script data-playground>{text}</script>"
        )
    assert browser.pages(tmp_path) == ["bad", "good"]
    found = {}
    with browser.served(tmp_path) as home:
        chromium = browser.Browser(CHROMIUM, tmp_path / "profile")
        for name in ("good", "bad"):
            deeds = {name: ("", "true")}
            found[name], numbers = browser.visit(
                chromium, home, name, "phone", deeds=deeds
            )
            assert numbers[0] == "5"
        chromium.close()
    assert found["good"] == []
    told = "\n".join(found["bad"])
    for one in ("lost", "Error: no", "asks http://192.0.2.1:9/x"):
        assert one in told
