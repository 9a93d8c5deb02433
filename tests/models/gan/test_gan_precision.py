"""Trap T8: training in float16 and bfloat16."""

import gan_cases
import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.losses.adversarial import BY_NAME
from genzoo.penalties import DRAGAN, R1, R2, GradientPenalty

x = gan_cases.ring(100)


class Together(gz.losses.AdversarialLoss):
    """All losses at once: one training for all of them."""

    pairs_in_generator = True
    parts = tuple(kind() for kind in BY_NAME.values())

    def discriminator(self, real, fake):
        return sum(part.discriminator(real, fake) for part in self.parts)

    def generator(self, fake, real=None):
        return sum(part.generator(fake, real) for part in self.parts)


def trained(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        gan = gan_cases.points_gan(
            Together(),
            [R1(0.1), R2(0.1), GradientPenalty(0.5), DRAGAN(0.5, 1 / 2)],
            keras.optimizers.Adam(1e-3),
            networks={"spectral_normalization": True},
        )
        learned = gan.generator.trainable_weights
        start = [weight.numpy() for weight in learned]
        logs = gan.fit(x, batch_size=20, epochs=20, verbose=0).history
        samples = gan.sample(3, seed=1)
    finally:
        keras.config.set_dtype_policy(before)
    assert samples.dtype == np.float32
    for a, b in zip(start, learned, strict=True):
        assert np.abs(a - b.numpy()).max() > 0.01
    return gan, logs


@pytest.fixture(scope="module")
def in_float32():
    return trained("float32")[1]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_t8_all_losses_and_penalties_train_in_half_precision(
    policy, in_float32
):
    gan, logs = trained(policy)
    scales = [
        isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        for optimizer in (gan.optimizer, gan.discriminator_optimizer)
    ]
    # bfloat16 has the range of float32.
    assert scales == [policy == "mixed_float16"] * 2
    assert gan.optimizer.iterations.numpy() > 90
    assert gan.discriminator_optimizer.iterations.numpy() > 90
    for name in ("discriminator_loss", "generator_loss"):
        np.testing.assert_allclose(
            logs[name][-1], in_float32[name][-1], rtol=0.05, err_msg=name
        )
    layers = [*gan.generator.layers, *gan.discriminator.layers]
    assert {layer.compute_dtype for layer in layers} >= {policy[6:]}
    assert all(weight.dtype == "float32" for weight in gan.trainable_weights)
    assert gan.game.critic(tf.constant(x), training=False).dtype == tf.float32
