import numpy as np
import pytest
import tensorflow as tf

from genzoo.layers import Augmentation
from genzoo.runtime import distribute, random

SEED = random.as_seed(7)
OFF = {"translation": 0, "cutout": 0, "colour": 0}


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (12, 8, 6, 3)).astype("float32")


def numbers_of(change, rows):
    """The choice and the three numbers of each image, for one change."""
    child = random.split(SEED, 3)[
        ("colour", "translation", "cutout").index(change)
    ]
    drawn = random.uniform((rows, 4), child).numpy()
    return drawn[:, 0], drawn[:, 1:]


def only(change, size, **options):
    return Augmentation(**{**OFF, change: size, **options})


def shifted(image, rows, columns, fill):
    """The image whose pixel (i, j) was at (i + rows, j + columns)."""
    found = np.full_like(image, fill)
    height, width, _ = image.shape
    for i in range(height):
        for j in range(width):
            inside = 0 <= i + rows < height and 0 <= j + columns < width
            if inside:
                found[i, j] = image[i + rows, j + columns]
    return found


@pytest.mark.parametrize("fill", [0.0, -1.0])
def test_translation_shifts_by_whole_pixels(images, fill):
    found = only("translation", 0.25, fill=fill).augment(images, SEED).numpy()
    _, numbers = numbers_of("translation", 12)
    # Up to 2 of 8 rows, and 2 (rounded) of 6 columns, all as likely.
    shifts = np.floor(numbers[:, :2] * 5) - 2
    assert {-2, 2} <= set(shifts.ravel())
    for image, moved, (rows, columns) in zip(
        images, found, shifts.astype(int), strict=True
    ):
        np.testing.assert_array_equal(
            moved, shifted(image, rows, columns, fill)
        )


def test_cutout_hides_a_square(images):
    layer = only("cutout", 0.5, fill=-9.0)
    found = layer.augment(images, SEED).numpy()
    hidden = (found == -9).all(axis=-1)
    _, numbers = numbers_of("cutout", 12)
    for image, part, (row, column, _) in zip(
        images, hidden, numbers, strict=True
    ):
        del image
        rows = np.arange(8) - (np.floor(row * 9) - 2)
        columns = np.arange(6) - (np.floor(column * 7) - 1)
        square = np.outer(
            (rows >= 0) & (rows < 4), (columns >= 0) & (columns < 3)
        )
        np.testing.assert_array_equal(part, square)
    np.testing.assert_array_equal(found[~hidden], images[~hidden])
    # 4 x 3 where it is all inside.
    assert hidden.sum(axis=(1, 2)).max() == 12


def test_colour_formulas(images):
    found = only("colour", 0.4).augment(images, SEED).numpy()
    _, numbers = numbers_of("colour", 12)
    for image, changed, number in zip(images, found, numbers, strict=True):
        brightness, contrast, saturation = 0.4 * (2 * number - 1)
        image = image + brightness
        image = image.mean() + (1 + contrast) * (image - image.mean())
        grey = image.mean(axis=-1, keepdims=True)
        image = grey + (1 + saturation) * (image - grey)
        np.testing.assert_allclose(changed, image, atol=1e-5)


def test_probability_is_the_share_that_is_changed(images):
    many = np.repeat(images[:1], 2000, axis=0)
    layer = Augmentation(probability=0.0)
    np.testing.assert_array_equal(layer.augment(images, SEED), images)
    for change in OFF:
        layer = only(change, 0.5, probability=0.3)
        found = layer.augment(many, SEED).numpy()
        chosen, _ = numbers_of(change, 2000)
        changed = (found != many).any(axis=(1, 2, 3))
        assert not changed[chosen >= 0.3].any()
        # 0.3 +- 5 sd; few changes are by nothing (no shift: 1 in 49).
        assert abs(changed.mean() - 0.3) < 0.01 + 5 * np.sqrt(0.21 / 2000)


def test_gradients_are_those_of_the_pixels_that_are_seen(images):
    layer = Augmentation(colour=0.3)
    x = tf.constant(images)
    ones = tf.ones_like(x)
    with tf.GradientTape() as tape:
        tape.watch([x, ones])
        both = [layer.augment(x, SEED), layer.augment(ones, SEED)]
        total = tf.reduce_sum(both[0] * tf.stop_gradient(both[0]))
    gradient = tape.gradient(total, x).numpy()
    assert np.isfinite(gradient).all()
    # All changes are linear up to a shift: d f / d x is f' applied to x.
    step = np.random.default_rng(1).normal(size=x.shape).astype("float32")
    moved = layer.augment(x + step, SEED) - both[0]
    np.testing.assert_allclose(
        np.sum(gradient * step), tf.reduce_sum(moved * both[0]), rtol=1e-3
    )
    plain = only("translation", 0.25)
    with tf.GradientTape() as tape:
        tape.watch(x)
        seen = plain.augment(x, SEED)
    gradient = tape.gradient(seen, x).numpy()
    assert set(np.unique(gradient)) == {0.0, 1.0}
    np.testing.assert_allclose(
        np.sum(gradient * images), tf.reduce_sum(seen), rtol=1e-4
    )


def test_two_replicas_change_images_as_one_device_does(images, two):
    with two.scope():
        layer = Augmentation(probability=0.7, target=0.2, speed=0.1)

    @tf.function
    def change():
        def in_replica():
            second = distribute.replica_id()
            part = tf.constant(images)[second * 6 : second * 6 + 6]
            first, rows = distribute.global_rows(6)
            found = layer.augment(part, SEED.at_row(first))
            # The signs differ: the mean over both is 0.
            logits = tf.ones(6) * (1 - 2 * tf.cast(second, tf.float32))
            layer.adapt_to(logits, rows)
            return found

        return two.run(in_replica)

    parts = two.experimental_local_results(change())
    whole = Augmentation(probability=0.7).augment(images, SEED)
    np.testing.assert_allclose(tf.concat(parts, 0), whole, atol=1e-6)
    values = [v.numpy() for v in layer.present.value.values]
    np.testing.assert_allclose(values, 0.7 - 12 / 100)


def test_an_adaptive_probability_follows_the_target():
    layer = Augmentation(probability=0.5, target=0.6, speed=1.0)
    start = float(layer.present.numpy())
    # 90 of 100 signs are positive: 0.8 is above, D knows its data by heart.
    layer.adapt_to(tf.where(tf.range(100) < 90, 1.0, -1.0), 100)
    np.testing.assert_allclose(layer.present.numpy(), start + 0.1)
    layer.adapt_to(-tf.ones(100), 100)
    np.testing.assert_allclose(layer.present.numpy(), start, rtol=1e-6)
    for _ in range(12):
        layer.adapt_to(tf.ones(100), 100)
    assert layer.present.numpy() == 1
    for _ in range(12):
        layer.adapt_to(-tf.ones(100), 100)
    assert layer.present.numpy() == 0
    # A batch without rows says nothing.
    layer.present.assign(0.5)
    layer.adapt_to(tf.zeros(0), 0)
    assert layer.present.numpy() == 0.5
    fixed = Augmentation(probability=0.5)
    fixed.adapt_to(tf.ones(100), 100)
    assert fixed.present.numpy() == 0.5


def test_it_is_a_layer_with_one_weight(images):
    layer = Augmentation(0.2, 0.3, 0.4, probability=0.6, target=0.5, fill=-1.0)
    assert layer.weights == [layer.present]
    assert not layer.trainable_weights
    again = Augmentation.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(
        layer(images, seed=3), layer.augment(images, random.as_seed(3))
    )


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_float32_whatever_the_policy(images, policy):
    layer = Augmentation(dtype=policy)
    found = layer.augment(images, SEED)
    assert found.dtype == tf.float32
    np.testing.assert_array_equal(found, Augmentation().augment(images, SEED))


def test_wrong_numbers_are_refused():
    for name in (*OFF, "probability"):
        for value in (-0.1, 1.5, "much", None):
            with pytest.raises(ValueError, match=f"{name} must be a number"):
                Augmentation(**{name: value})
    with pytest.raises(ValueError, match="target must be a mean sign"):
        Augmentation(target=1.0)
    with pytest.raises(ValueError, match="speed must be a positive number"):
        Augmentation(speed=0)
