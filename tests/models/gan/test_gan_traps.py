"""The traps of research/gan.md, section 3d, one test each.

T6 and T10 are in test_gan_distribute.py, T8 in test_gan_precision.py, T11 in
tests/penalties/test_second_order.py; T9b is the contract's serving.
"""

import warnings

import gan_cases
import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz

x = gan_cases.ring(40)


def state_of(optimizer):
    return [np.asarray(v.numpy()) for v in optimizer.variables]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(a trained GAN, what `load_model` makes of its file, the folder)."""
    folder = tmp_path_factory.mktemp("gan")
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.5)
    gan = gan_cases.points_gan(
        "least_squares",
        [gz.penalties.GradientPenalty(2.0, fraction=1 / 2)],
        keras.optimizers.Adam(schedule),
        latent="uniform",
        compiling={
            "discriminator_optimizer": keras.optimizers.RMSprop(0.003),
            "discriminator_steps": 2,
            "auxiliary_weight": 0.5,
            "metrics": [gz.metrics.FrechetDistance()],
        },
    )
    gan.fit(x, batch_size=20, epochs=2, verbose=0)
    with warnings.catch_warnings():
        # Keras only warns when it leaves something out.
        warnings.simplefilter("error", UserWarning)
        gan.save(folder / "gan.keras")
        gan.save_weights(folder / "gan.weights.h5")
        again = keras.models.load_model(folder / "gan.keras")
    return gan, again, folder


def test_t1_a_new_model_is_built(tmp_path):
    gan = gan_cases.points_gan()
    assert gan.built
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        gan.save(tmp_path / "new.keras")
        gan.save_weights(tmp_path / "new.weights.h5")
        gan.load_weights(tmp_path / "new.weights.h5")
    gan.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served"))
    # What is served where no function is named: G(z), of any number.
    assert set(served.signatures) == {
        "serve", "sample", "score", "serving_default",
    }  # fmt: skip
    for rows in (2, 5):
        z = np.ones((rows, 3), "float32")
        (found,) = served.signatures["serving_default"](tf.constant(z)).values()
        np.testing.assert_allclose(found, gan.predict(z, verbose=0), atol=1e-6)


def test_t2_both_optimizers_are_restored(trained):
    gan, again, folder = trained
    # 2 epochs of 2 batches: 4 updates of G, 8 of D.
    assert gan.optimizer.iterations.numpy() == 4
    assert gan.discriminator_optimizer.iterations.numpy() == 8
    other = keras.models.load_model(folder / "gan.keras", compile=False)
    other.compile_from_config(gan.get_compile_config())
    other.load_weights(folder / "gan.weights.h5")
    for loaded in (again, other):
        for name in ("optimizer", "discriminator_optimizer"):
            found, expected = (
                state_of(getattr(model, name)) for model in (loaded, gan)
            )
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_array_equal(a, b)
        for a, b in zip(loaded.weights, gan.weights, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_t3_there_is_no_third_optimizer(trained):
    gan, again, folder = trained
    kinds = keras.optimizers.Optimizer
    for model in (gan, again):
        assert {
            name for name, v in vars(model).items() if isinstance(v, kinds)
        } == {"optimizer", "discriminator_optimizer"}
    with h5py.File(folder / "gan.weights.h5") as file:
        saved = {name for name in file if "optimizer" in name}
    assert saved == {"optimizer", "discriminator_optimizer"}


def test_t4_it_is_compiled_as_before(trained):
    gan, again, _ = trained
    config = gan.get_compile_config()
    assert again.get_compile_config() == config
    assert type(again.loss) is gz.losses.LeastSquares
    (penalty,) = again.game.penalties
    assert type(penalty) is gz.penalties.GradientPenalty
    assert (penalty.weight, penalty.fraction) == (2.0, 0.5)
    assert (again.discriminator_steps, again.game.auxiliary_weight) == (2, 0.5)
    assert type(again.discriminator_optimizer) is keras.optimizers.RMSprop
    metric = again.metrics[-1]
    assert type(metric) is gz.metrics.FrechetDistance
    assert metric.name == gan.metrics[-1].name
    assert again.latent == "uniform"


def test_t5_draws_go_on_where_they_were(trained):
    gan, again, _ = trained
    np.testing.assert_array_equal(again.draws.state, gan.draws.state.numpy())
    assert gan.draws.state.numpy()[2] == 4
    np.testing.assert_array_equal(gan.sample(4), again.sample(4))
    logs = [
        model.fit(x, batch_size=20, verbose=0).history for model in (gan, again)
    ]
    assert logs[0] == logs[1]
    for a, b in zip(gan.weights, again.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_t9_a_step_under_xla_is_that_without():
    compiled, plain = (
        gan_cases.points_gan(
            penalties=[], optimizer="sgd", compiling={"jit_compile": jit}
        )
        for jit in (True, False)
    )
    start = compiled.get_weights()

    def learned(gan, seed):
        gan.set_weights(start)
        gan.draws.state.assign([seed, 0, 0, 0])
        gan.fit(x, batch_size=20, verbose=0)
        return [v.numpy() for v in gan.generator.trainable_weights]

    found = learned(compiled, 1), learned(plain, 1), learned(compiled, 2)
    for one, same, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, same, rtol=0, atol=1e-6)
        assert abs(one - other).max() > 1e-4


class Nothing(gz.losses.AdversarialLoss):
    """D learns from penalties alone, which say nothing of its last bias."""

    def discriminator(self, real, fake):
        return tf.zeros_like(real)

    def generator(self, fake, real=None):
        return -fake


def test_t12_weights_without_a_gradient_stay():
    gan = gan_cases.points_gan(Nothing(), gz.penalties.GradientPenalty())
    learned = gan.discriminator.trainable_weights
    before = [weight.numpy() for weight in learned]
    logs = gan.fit(x, batch_size=20, verbose=0).history
    assert logs["discriminator_loss"][0] > 0
    changed = [
        (a != b.numpy()).any() for a, b in zip(before, learned, strict=True)
    ]
    # D is linear on pieces: its slope does not depend on biases.
    assert changed == [True, False, True, False]


def test_a_configuration_makes_as_many_as_one_likes(trained):
    config = trained[0].get_config()
    first, second = (gz.GAN.from_config(config) for _ in range(2))
    assert first.count_params() == second.count_params()


def test_who_is_ahead_chooses_no_epoch_unsaid(tmp_path):
    from genzoo.models.gan.health import warn_of_monitors as warn_of

    path = str(tmp_path / "best.keras")
    for make, told in (
        (lambda: keras.callbacks.EarlyStopping(), "'val_loss'"),
        (lambda: keras.callbacks.ReduceLROnPlateau("loss"), "'loss'"),
        (
            lambda: keras.callbacks.ModelCheckpoint(
                path, "val_generator_loss", mode="min", save_best_only=True
            ),
            "ModelCheckpoint watches 'val_generator_loss'",
        ),
    ):
        with pytest.warns(UserWarning, match=told):
            warn_of("GAN.fit", [make()])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of(
            "GAN.fit",
            [
                keras.callbacks.ModelCheckpoint(path),
                keras.callbacks.EarlyStopping("val_frechet_distance"),
                keras.callbacks.EarlyStopping("critic_auc", mode="min"),
                keras.callbacks.History(),
            ],
        )
