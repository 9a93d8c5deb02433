"""Two replicas learn what one device learns from twice the batch."""

import gan_cases
import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.penalties import DRAGAN, R1, R2, GradientPenalty
from genzoo.runtime import distribute

PLAIN = tf.distribute.get_strategy()


def points(loss, penalties, optimizer, **options):
    def make():
        kind = keras.optimizers.Adam if optimizer == "adam" else None
        made = kind(0.01) if kind else keras.optimizers.SGD(0.1)
        return gan_cases.points_gan(
            loss,
            [type(p)(p.weight, p.fraction) for p in penalties],
            made,
            **options,
        )

    return make


def images():
    return gan_cases.images_gan(
        augmentation=gz.layers.Augmentation(target=0.1, speed=0.1),
        compiling={"optimizer": keras.optimizers.SGD(0.05)},
    )


def clusters():
    return gan_cases.clusters_gan(optimizer=keras.optimizers.SGD(0.05))


RING = (gan_cases.ring(41), None)
# Batches of 16 of 41 rows: the last one is 9, 5 and 4; of 33 rows it is 1,
# which leaves the second replica none.
CASES = {
    "non-saturating, R1 and R2": (
        points("non_saturating", [R1(1.0, 1 / 4), R2(1.0, 1 / 4)], "adam"),
        RING,
    ),
    "Wasserstein": (
        points(
            "wasserstein",
            [GradientPenalty(1.0)],
            "sgd",
            compiling={"discriminator_steps": 2},
        ),
        RING,
    ),
    "relativistic, packed": (
        points(
            "relativistic_pairing",
            [DRAGAN(1.0, 1 / 2)],
            "sgd",
            networks={"packing": 2},
            packing=2,
        ),
        # Whole packs on each replica.
        (gan_cases.ring(40), None),
    ),
    "images": (images, gan_cases.spots(41)),
    "clusters": (clusters, (gan_cases.spots(41)[0], None)),
}


@pytest.mark.parametrize("name", CASES)
def test_two_replicas_learn_what_one_device_learns(name, two):
    make, (x, y) = CASES[name]
    found = []
    for strategy in (PLAIN, two):
        with strategy.scope():
            gan = make()
        logs = [
            gan.fit(
                x[:rows],
                None if y is None else y[:rows],
                batch_size=16,
                epochs=1,
                verbose=0,
            ).history
            for rows in (len(x), 33 if len(x) == 41 else 36)
        ]
        results = gan.evaluate(x, y, batch_size=16, verbose=0)
        weights = [
            np.asarray(v.numpy(), "float64")
            for v in [*gan.weights, *gan.discriminator_optimizer.variables]
        ]
        found.append((logs, results, weights, gan.sample(5, seed=1)))
    one, both = found
    for a, b in zip(one[2], both[2], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    for a, b in zip(one[0], both[0], strict=True):
        for key, value in a.items():
            np.testing.assert_allclose(value, b[key], atol=1e-4, err_msg=key)
    np.testing.assert_allclose(one[1], both[1], atol=1e-4)
    np.testing.assert_allclose(one[3], both[3], atol=1e-4)


def test_t6_each_replica_draws_its_own_latents(two):
    with two.scope():
        gan = gan_cases.points_gan()

    @tf.function
    def draw():
        def in_replica():
            first, _ = distribute.global_rows(tf.constant(4))
            return gan._source.latents(4, gan.draws.next().at_row(first))

        return two.run(in_replica)

    parts = two.experimental_local_results(draw())
    assert len(np.unique(tf.concat(parts, 0), axis=0)) == 8


def test_t10_options_that_fail_on_replicas_are_refused(two):
    with two.scope():
        gan = gz.GAN(*gz.networks.mlp(3, 2, width=4, depth=1))
        with pytest.raises(ValueError, match="jit_compile=True"):
            gan.compile(jit_compile=True)


def test_several_steps_in_one_call_are_as_many_single_ones(two):
    x = np.random.default_rng(0).normal(size=(70, 2)).astype("float32")

    def trained(at_once):
        with two.scope():
            gan = gan_cases.points_gan(
                compiling={"steps_per_execution": at_once}
            )
        logs = gan.fit(x, batch_size=16, epochs=2, verbose=0).history
        return gan.get_weights(), logs

    (one, logs), (three, logs_3) = map(trained, (1, 3))
    for a, b in zip(one, three, strict=True):
        np.testing.assert_array_equal(a, b)
    for name in ("loss", "d_loss"):
        if name in logs:
            np.testing.assert_allclose(logs[name], logs_3[name], rtol=1e-5)


def test_clusters_are_not_found_in_what_is_divided(two):
    dataset = tf.data.Dataset.from_tensor_slices(gan_cases.spots(32)[0])
    with two.scope():
        gan = clusters()
        divided = two.experimental_distribute_dataset(dataset.batch(16))
    with pytest.raises(ValueError, match="divided among replicas"):
        gan.fit(divided)


def test_networks_of_another_scope_are_refused(two):
    pair = gz.networks.mlp(3, 2, width=4, depth=1)
    with two.scope(), pytest.raises(ValueError, match="generator was made in"):
        gz.GAN(*pair)


def test_scaled_losses_and_files_of_replicas(two, tmp_path):
    """Float16 under two replicas; what they save, one device loads."""
    x, y = gan_cases.spots(32)
    with two.scope():
        gan = gan_cases.float16_gan()
    logs = gan.fit(x, y, batch_size=16, verbose=0).history
    assert np.isfinite(logs["discriminator_loss"]).all()
    assert isinstance(
        gan.discriminator_optimizer, keras.optimizers.LossScaleOptimizer
    )
    gan.save_weights(tmp_path / "gan.weights.h5")
    one = gan_cases.float16_gan(seed=9)
    one.load_weights(tmp_path / "gan.weights.h5")
    for a, b in zip(gan.weights, one.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    np.testing.assert_allclose(
        gan.sample(4, seed=1), one.sample(4, seed=1), atol=1e-3
    )
