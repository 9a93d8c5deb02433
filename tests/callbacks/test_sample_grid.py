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


def test_each_band_of_a_rectangle_is_a_picture(tmp_path):
    class Bands:
        event_shape, params = (3, 5, 2), {"epochs": 1}

        def sample(self, n, seed):
            return np.arange(n * 30).reshape(n, 3, 5, 2) / (30 * n - 1)

    grid = gz.callbacks.SampleGrid(
        tmp_path, rows=1, columns=2, value_range=(0, 1)
    )
    grid.set_model(Bands())
    grid.set_params({"epochs": 1})
    grid.on_train_begin()
    grid.on_epoch_end(0)
    picture = read(tmp_path / "epoch_0001.png")[..., 0]
    x = np.round(255 * Bands().sample(2, 0))
    white = np.full((3, 1), 255)
    bands = [x[0, ..., 0], x[0, ..., 1], white, x[1, ..., 0], x[1, ..., 1]]
    np.testing.assert_allclose(picture, np.concatenate(bands, 1), atol=1)
