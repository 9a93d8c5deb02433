import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz


@pytest.fixture(scope="module")
def gan():
    gan = gz.GAN(*gz.networks.dcgan(4, (8, 8, 1), width=4, classes=3), seed=0)
    gan.compile()
    return gan


@pytest.fixture
def images():
    x = np.random.default_rng(0).uniform(-1, 1, (12, 8, 8, 1))
    return x.astype("float32"), np.arange(12) % 3


def read(path):
    return tf.io.decode_png(tf.io.read_file(str(path))).numpy()


def test_pictures_are_the_samples_of_one_seed(gan, images, tmp_path):
    grid = gz.callbacks.SampleGrid(tmp_path / "a", every=2, rows=2, columns=3)
    gan.fit(*images, epochs=3, verbose=0, callbacks=[grid])
    names = [path.name for path in sorted((tmp_path / "a").iterdir())]
    assert names == ["epoch_0002.png", "epoch_0003.png"]
    picture = read(tmp_path / "a" / "epoch_0003.png")
    assert picture.shape == (2 * 9 - 1, 3 * 9 - 1, 1)
    x = gan.sample(6, seed=0, labels=[0, 1, 2, 0, 1, 2])[..., 0]
    expected = np.round(255 * (x + 1) / 2)
    for number in range(6):
        top, left = 9 * (number // 3), 9 * (number % 3)
        tile = picture[top : top + 8, left : left + 8, 0]
        np.testing.assert_allclose(tile, expected[number], atol=1)
    assert (picture[8] == 255).all()
    assert (read(tmp_path / "a" / "epoch_0002.png") != picture).any()


def test_training_does_not_depend_on_pictures(images, tmp_path):
    def trained(callbacks):
        keras.utils.set_random_seed(0)
        networks = gz.networks.dcgan(4, (8, 8, 1), width=4, classes=3)
        gan = gz.GAN(*networks, seed=0)
        gan.compile()
        gan.fit(*images, epochs=2, verbose=0, callbacks=callbacks)
        return gan.generator.get_weights()

    grid = gz.callbacks.SampleGrid(tmp_path, rows=2, columns=3)
    for a, b in zip(trained([]), trained([grid]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_pictures_go_to_tensorboard(gan, images, tmp_path):
    grid = gz.callbacks.SampleGrid(
        tmp_path / "a", rows=1, columns=3, log_dir=tmp_path / "log"
    )
    gan.fit(*images, epochs=1, verbose=0, callbacks=[grid])
    (path,) = (tmp_path / "log").iterdir()
    tags = [
        value.tag
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]
    assert tags == ["samples"]


def test_vectors_are_drawn_as_images_or_points(bits, small_rbm, tmp_path):
    rbm = small_rbm()
    grid = gz.callbacks.SampleGrid(
        tmp_path / "a", rows=2, columns=2, image_shape=(2, 3)
    )
    rbm.fit(bits, epochs=1, verbose=0, callbacks=[grid])
    picture = read(tmp_path / "a" / "epoch_0001.png")
    assert picture.shape == (2 * 3 - 1, 2 * 4 - 1, 1)
    assert set(np.unique(picture)) <= {0, 255}
    plane = gz.GAN(*gz.networks.mlp(2, 2, width=4, depth=1))
    plane.compile()
    x = np.random.default_rng(0).standard_normal((20, 2)).astype("float32")
    grid = gz.callbacks.SampleGrid(tmp_path / "b")
    plane.fit(x, epochs=1, verbose=0, callbacks=[grid])
    assert (read(tmp_path / "b" / "epoch_0001.png") < 255).sum() > 1000


def test_what_is_no_picture_is_refused(bits, small_rbm, tmp_path):
    rbm = small_rbm()
    grid = gz.callbacks.SampleGrid(tmp_path)
    with pytest.raises(ValueError, match=r"shape \(6,\) are no images"):
        rbm.fit(bits, epochs=1, verbose=0, callbacks=[grid])
    grid = gz.callbacks.SampleGrid(tmp_path, image_shape=(3, 3))
    with pytest.raises(ValueError, match="does not hold samples"):
        rbm.fit(bits, epochs=1, verbose=0, callbacks=[grid])
    with pytest.raises(ValueError, match="every must be a positive int"):
        gz.callbacks.SampleGrid(tmp_path, every=0)


class Drawn:
    """A model whose samples are known."""

    params = {"epochs": 1}

    def __init__(self, x):
        self.x, self.event_shape = np.asarray(x, float), np.shape(x)[1:]

    def sample(self, n, seed):
        return self.x[:n]


class DrawnGAN(Drawn):
    discriminator = None


def picture_of(model, folder, columns, **options):
    grid = gz.callbacks.SampleGrid(folder, rows=1, columns=columns, **options)
    grid.set_model(model)
    grid.set_params(model.params)
    grid.on_train_begin()
    grid.on_epoch_end(0)
    return read(folder / "epoch_0001.png")


def test_each_band_of_a_rectangle_is_a_picture(tmp_path):
    x = np.arange(60).reshape(2, 3, 5, 2) / 59
    picture = picture_of(Drawn(x), tmp_path, 2, value_range=(0, 1))[..., 0]
    x = np.round(255 * x)
    white = np.full((3, 1), 255)
    bands = [x[0, ..., 0], x[0, ..., 1], white, x[1, ..., 0], x[1, ..., 1]]
    np.testing.assert_allclose(picture, np.concatenate(bands, 1), atol=1)


@pytest.mark.parametrize("length", [4, 100, 4096])
def test_signals_of_a_gan_are_curves(length, tmp_path):
    t = np.linspace(0, 1, length)
    # A ramp up, then one down, of two channels in quite other units.
    x = [[t, 1e6 * t**2], [1 - t, 1e6 * (1 - t) ** 2]]
    x = np.moveaxis(x, 1, 2)
    picture = picture_of(DrawnGAN(x), tmp_path, 2)[..., 0]
    assert picture.shape == (64, 2 * 97 - 1)
    is_line = picture == 0
    at = (np.arange(96) + 0.5) / 96
    for number, power in ((0, 1), (1, 2)):
        strip = is_line[32 * number : 32 * (number + 1)]
        # No gap from pixel to pixel, and the curve is in each of them.
        heights = 31 - np.array(
            [np.flatnonzero(c).mean() for c in strip.T[:96]]
        )
        expected = np.interp(at, t, t**power)
        np.testing.assert_allclose(heights / 31, expected, atol=0.03)
        assert strip[:, 96].sum() == 0
        touches = strip[:, :95] & (strip | np.roll(strip, 1, 0))[:, 1:96]
        assert touches.any(axis=0).all()
        np.testing.assert_array_equal(strip[:, 97:], strip[:, 95::-1])


def test_signals_of_a_gan_of_ours_are_curves(tmp_path):
    gan = gz.GAN(*gz.networks.conv1d(2, (9, 2), width=2), seed=0)
    gan.params = {"epochs": 1}
    picture = picture_of(gan, tmp_path, 3)
    assert picture.shape == (64, 3 * 97 - 1, 1)
    x = gan.sample(3, seed=0)
    # The lowest and the highest of each channel are on the edges of its strip.
    for channel, strip in ((0, picture[:32]), (1, picture[32:])):
        for row, end in ((31, np.argmin), (0, np.argmax)):
            number, place = divmod(end(x[..., channel]), 9)
            tile = strip[row, 97 * number : 97 * number + 96, 0]
            at = np.flatnonzero(tile == 0)
            assert np.abs(at / 95 - place / 8).min() < 0.03


def test_only_signals_of_a_gan_are_curves(tmp_path):
    x = np.arange(32).reshape(2, 4, 4) / 31
    lattice = picture_of(Drawn(x), tmp_path / "a", 2)
    assert lattice.shape == (4, 9, 1)
    image = picture_of(DrawnGAN(x), tmp_path / "b", 2, image_shape=(4, 4))
    np.testing.assert_array_equal(image, lattice)


def test_volumes_are_three_slices_through_the_middle(tmp_path):
    x = np.random.default_rng(0).uniform(size=(1, 4, 5, 7, 1))
    picture = picture_of(Drawn(x), tmp_path, 1, value_range=(0, 1))[..., 0]
    assert picture.shape == (5, 7 + 1 + 7 + 1 + 5)
    x = np.round(255 * x[0, ..., 0])
    for left, part in ((0, x[2]), (8, x[:, 2]), (16, x[:, :, 3])):
        height, width = part.shape
        tile = picture[:, left : left + width]
        np.testing.assert_allclose(tile[:height], part, atol=1)
        assert (tile[height:] == 255).all()
    assert (picture[:, [7, 15]] == 128).all()
