import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.losses.adversarial import BY_NAME


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def log(x):
    return np.log(x)


# Name: discriminator(r, f), generator(r, f), score(l), correct(r, f).
CLOSED_FORMS = {
    "minimax": (
        lambda r, f: -log(sigmoid(r)) - log(1 - sigmoid(f)),
        lambda r, f: log(1 - sigmoid(f)),
        sigmoid,
        lambda r, f: ((r > 0) * 1.0 + (f < 0)) / 2,
    ),
    "non_saturating": (
        lambda r, f: -log(sigmoid(r)) - log(1 - sigmoid(f)),
        lambda r, f: -log(sigmoid(f)),
        sigmoid,
        lambda r, f: ((r > 0) * 1.0 + (f < 0)) / 2,
    ),
    "least_squares": (
        lambda r, f: (r - 1) ** 2 / 2 + f**2 / 2,
        lambda r, f: (f - 1) ** 2 / 2,
        lambda x: x,
        lambda r, f: ((r > 0.5) * 1.0 + (f < 0.5)) / 2,
    ),
    "hinge": (
        lambda r, f: np.maximum(0, 1 - r) + np.maximum(0, 1 + f),
        lambda r, f: -f,
        lambda x: x,
        lambda r, f: ((r > 0) * 1.0 + (f < 0)) / 2,
    ),
    "wasserstein": (
        lambda r, f: f - r,
        lambda r, f: -f,
        lambda x: x,
        lambda r, f: (r > f) * 1.0,
    ),
    "relativistic_pairing": (
        lambda r, f: -log(sigmoid(r - f)),
        lambda r, f: -log(sigmoid(f - r)),
        lambda x: x,
        lambda r, f: (r > f) * 1.0,
    ),
}

every_loss = pytest.mark.parametrize("name", CLOSED_FORMS)


def test_every_loss_is_tested():
    assert set(CLOSED_FORMS) == set(BY_NAME)


@every_loss
def test_losses_equal_their_closed_forms(name):
    real, fake = np.random.default_rng(0).normal(scale=2, size=(2, 200))
    loss = gz.losses.get_adversarial(name)
    discriminator, generator, score, correct = CLOSED_FORMS[name]
    r, f = tf.constant(real, tf.float32), tf.constant(fake, tf.float32)
    for found, expected in (
        (loss.discriminator(r, f), discriminator(real, fake)),
        (loss.generator(f, r), generator(real, fake)),
        (loss.score(r), score(real)),
        (loss.correct(r, f), correct(real, fake)),
    ):
        assert found.shape == (200,)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    if not loss.pairs_in_generator:
        np.testing.assert_array_equal(loss.generator(f), loss.generator(f, r))


@every_loss
def test_values_and_gradients_are_finite_for_any_logit(name):
    loss = gz.losses.get_adversarial(name)
    real = tf.constant([1e4, 1e4, -1e4, -1e4, 0.0])
    fake = tf.constant([1e4, -1e4, 1e4, -1e4, 0.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([real, fake])
        costs = [loss.discriminator(real, fake), loss.generator(fake, real)]
    for cost in costs:
        assert np.isfinite(cost).all()
        for gradient in tape.gradient(cost, [real, fake]):
            assert gradient is None or np.isfinite(gradient).all()
    for value in (loss.score(real), loss.correct(real, fake)):
        assert np.isfinite(value).all()
    # Where D is wrong without doubt, it still learns.
    wrong = tape.gradient(costs[0], fake)[2]
    assert abs(wrong) > 0.4


def test_equal_logits_are_a_toss():
    for name in ("wasserstein", "relativistic_pairing"):
        loss = gz.losses.get_adversarial(name)
        assert (
            loss.correct(tf.ones(3), tf.ones(3)).numpy().tolist() == [0.5] * 3
        )


def test_minimax_of_the_best_discriminator_is_jensen_shannon():
    # Goodfellow et al. 2014, theorem 1, for data p and a generator q.
    p = np.array([0.5, 0.3, 0.15, 0.05])
    q = np.array([0.1, 0.2, 0.3, 0.4])
    logits = tf.constant(np.log(p) - np.log(q), tf.float32)
    loss = gz.losses.Minimax()
    zeros = tf.zeros(4)
    # The cost of a pair is a sum of two terms: each without the other.
    at_data = loss.discriminator(logits, zeros) - np.log(2)
    at_fakes = loss.discriminator(zeros, logits) - np.log(2)
    value = -(p @ at_data.numpy() + q @ at_fakes.numpy())
    middle = (p + q) / 2
    divergence = (p @ np.log(p / middle) + q @ np.log(q / middle)) / 2
    np.testing.assert_allclose(value, 2 * divergence - np.log(4), rtol=1e-6)
    # No other D does better, and q = p gives -log 4.
    for shift in (-0.1, 0.1):
        moved = logits + shift
        other = p @ (loss.discriminator(moved, zeros) - np.log(2)).numpy()
        other += q @ (loss.discriminator(zeros, moved) - np.log(2)).numpy()
        assert -other < value


def test_the_generators_part_of_the_game_is_what_minimax_minimises():
    fake = tf.constant([-1.0, 0.5])
    real = tf.constant([0.2, 0.7])
    loss = gz.losses.Minimax()
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(fake)
        game = -loss.discriminator(real, fake)
        generator = loss.generator(fake)
    np.testing.assert_array_equal(
        tape.gradient(game, fake), tape.gradient(generator, fake)
    )


@every_loss
def test_configurations_round_trip(name):
    loss = gz.losses.get_adversarial(name)
    assert type(loss) is BY_NAME[name]
    assert gz.losses.get_adversarial(loss) is loss
    config = keras.saving.serialize_keras_object(loss)
    assert config["registered_name"].startswith("genzoo>")
    assert type(gz.losses.get_adversarial(config)) is type(loss)
    assert getattr(gz.losses, type(loss).__name__) is type(loss)


@pytest.mark.parametrize("wrong", ["hinges", None, 3, "pcd", "mse"])
def test_unknown_losses_are_refused(wrong):
    with pytest.raises(ValueError, match="'hinge'.*energy-based models"):
        gz.losses.get_adversarial(wrong)


def test_an_energy_based_model_points_to_the_gan():
    rbm = gz.RBM(gz.units.Bernoulli(3), gz.units.Bernoulli(2))
    for loss in ("hinge", gz.losses.Wasserstein()):
        with pytest.raises(ValueError, match="adversarial.*belong to a GAN"):
            rbm.compile(loss=loss)
