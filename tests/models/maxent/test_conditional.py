"""p(y | c), against SciPy's optimum of the same likelihood."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, optimize, special

import genzoo
from genzoo import features, spaces

RNG = np.random.default_rng(0)
CONDITIONS = RNG.normal(1.0, [1, 2, 0.5], (200, 3))
CLASSES = RNG.integers(0, 3, 200) + (CONDITIONS[:, 0] > 2)
WEIGHTS = RNG.uniform(0, 3, 200)
KINDS = [0, 1, 2, 3]


def _classifier(**options):
    return genzoo.MaxEnt(
        spaces.Categorical(KINDS),
        features.Marginal(0),
        condition=3,
        **options,
    )


def _optimum(weights, l2):
    """Logits of all classes, penalised but for the intercepts."""
    one = np.eye(4)[CLASSES]
    c = np.hstack([np.ones((200, 1)), CONDITIONS])
    share = (weights / weights.sum())[:, None]

    def loss(flat):
        x = flat.reshape(4, 4)
        logits = c @ x
        log_p = logits - special.logsumexp(logits, axis=1, keepdims=True)
        held = np.vstack([np.zeros(4), x[1:]])
        value = -(share * one * log_p).sum() + 0.5 * l2 * (held**2).sum()
        slope = c.T @ (share * (np.exp(log_p) - one)) + l2 * held
        return value, slope.ravel()

    found = optimize.minimize(
        loss, np.zeros(16), jac=True, tol=1e-12, options={"maxiter": 5000}
    )
    return found.fun, found.x.reshape(4, 4)


def test_classes_are_those_of_logistic_regression():
    model = _classifier(l2=0.02)
    assert isinstance(model, genzoo.models.ConditionalMaxEnt)
    model.compile()
    history = model.fit(
        CLASSES, CONDITIONS, sample_weight=WEIGHTS, verbose=0
    ).history
    value, x = _optimum(WEIGHTS, 0.02)
    assert history["loss"][-1] == pytest.approx(value, abs=1e-7)
    np.testing.assert_allclose(model.coefficients, x[1:].T, atol=1e-5)
    logits = CONDITIONS @ x[1:] + x[0]
    log_p = logits - special.logsumexp(logits, axis=1, keepdims=True)
    found = model.log_prob(CLASSES, condition=CONDITIONS)
    np.testing.assert_allclose(found, log_p[np.arange(200), CLASSES], atol=1e-5)
    entropy = -(np.exp(log_p) * log_p).sum(axis=1)
    np.testing.assert_allclose(model.entropy(CONDITIONS), entropy, atol=1e-5)


def test_averages_are_met_and_draws_are_those_of_a_condition(tmp_path):
    model = _classifier(seed=0)
    model.compile()
    model.fit(CLASSES, CONDITIONS, verbose=0)
    one = np.eye(4)[CLASSES]
    p = model.expectation(CONDITIONS)
    np.testing.assert_allclose(p.mean(axis=0), one.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(
        p.T @ CONDITIONS / 200, one.T @ CONDITIONS / 200, atol=1e-8
    )
    draws = model.sample(4000, seed=1, condition=CONDITIONS[0])
    counts = np.bincount(draws[:, 0].astype(int), minlength=4) / 4000
    assert (abs(counts - p[0]) < 4 * np.sqrt(0.25 / 4000)).all()
    model.save(tmp_path / "model.keras")
    model.save_to_preset(tmp_path / "preset")
    for again in (
        keras.models.load_model(tmp_path / "model.keras"),
        genzoo.from_preset(tmp_path / "preset"),
    ):
        np.testing.assert_array_equal(again.expectation(CONDITIONS), p)


def test_numbers_given_numbers_against_quadrature():
    model = genzoo.MaxEnt(
        spaces.Interval(0, 2), features.Moments(1, 2), condition=(2,)
    )
    model.multiplier_weights.assign([0.5, -1.0, 0.3, 0.2, -0.4, 0.1])
    c = np.array([1.0, -2.0])
    fields = np.array([0.5, -1.0]) + c @ np.array([[0.3, 0.2], [-0.4, 0.1]])

    def weight(y):
        return np.exp(fields @ [y, y * y])

    z = integrate.quad(weight, 0, 2, epsabs=1e-13)[0]
    found = model.prob([0.3, 1.9], condition=c)
    np.testing.assert_allclose(found, [weight(0.3) / z, weight(1.9) / z])
    draws = model.sample(4000, seed=0, condition=c)
    mean = integrate.quad(lambda y: y * weight(y) / z, 0, 2)[0]
    assert abs(draws.mean() - mean) < 4 * draws.std() / 4000**0.5


class Pages(keras.utils.PyDataset):
    num_batches = 4

    def __getitem__(self, number):
        some = slice(50 * number, 50 * number + 50)
        return CLASSES[some], CONDITIONS[some], WEIGHTS[some]


def _pages():
    """Of dicts, without an end."""
    pages = Pages()
    while True:
        for number in range(4):
            y, c, _ = pages[number]
            yield {"x": y, "condition": c}


def _batches(*parts):
    return tf.data.Dataset.from_tensor_slices(parts).batch(60)


def test_batches_are_as_good_as_arrays():
    """One model, for which each search begins anew since it was moved."""
    model = _classifier(l2=0.02)
    model.compile()

    def fitted(*given, **options):
        model.multiplier_weights.assign(np.zeros(16))
        model.fit(*given, verbose=0, **options)
        return model.coefficients

    alike = fitted(CLASSES, CONDITIONS)
    for source, options in (
        (_batches(CLASSES, CONDITIONS), {}),
        (_pages(), {"steps_per_epoch": 4}),
    ):
        np.testing.assert_allclose(fitted(source, **options), alike, atol=1e-15)
    # Weights of batches are float32, and their mean is one to that.
    weighed = fitted(CLASSES, CONDITIONS, sample_weight=WEIGHTS)
    assert abs(weighed - alike).max() > 1e-3
    np.testing.assert_allclose(fitted(Pages()), weighed, atol=1e-5)


def test_conditions_have_any_shape_and_several_blocks():
    label = np.arange(200) % 3
    blocks = {"label": spaces.OneHot(1, 3), "image": spaces.Real((2, 2))}
    image = np.tile(CONDITIONS[:, :2, None], (1, 1, 2))
    image[..., 1] **= 2
    flat = np.hstack([np.eye(3)[label], image.reshape(200, 4)])
    fitted = []
    for condition, given in (
        (7, flat),
        (blocks, {"label": label, "image": image}),
    ):
        model = genzoo.MaxEnt(
            spaces.Categorical(KINDS),
            features.Indicators(KINDS[1:]),
            condition=condition,
            l2=0.02,
        )
        model.compile()
        model.fit(CLASSES, given, verbose=0)
        fitted.append(model.coefficients)
    np.testing.assert_allclose(fitted[1], fitted[0], atol=1e-9)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda m: m.fit(CLASSES, verbose=0), "pass condition="),
        (lambda m: m.fit(_batches(CLASSES, CONDITIONS).repeat()), "no end"),
        (
            lambda m: m.fit(
                _batches(CLASSES, np.where(CONDITIONS > 3, np.nan, CONDITIONS))
            ),
            "known",
        ),
        (lambda m: m.fit(_batches(CLASSES, CONDITIONS[:, :2])), "shape"),
        (lambda m: m.predict(CLASSES), "energy"),
        (lambda m: m.fit(CLASSES, CONDITIONS[:5], verbose=0), "5 rows"),
        (lambda m: m.log_partition(), "given a condition"),
        (lambda m: m.sample(3), "pass condition="),
        (lambda m: m.conditional_mean([[1.0]]), "given a condition"),
    ],
)
def test_what_is_missing_is_named(ask, told):
    model = _classifier()
    model.compile()
    model.multiplier_weights.assign(np.ones(16))
    with pytest.raises(ValueError, match=told):
        ask(model)


def test_too_many_states_are_refused():
    with pytest.raises(ValueError, match="must be few"):
        genzoo.MaxEnt(
            spaces.Spin(30), features.Moments(1), condition=2
        ).compile()
