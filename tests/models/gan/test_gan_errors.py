"""Bad input gets a ValueError before the first step."""

import gan_cases
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import genzoo as gz

x = gan_cases.ring(20)
images, labels = gan_cases.spots(20)


@pytest.fixture(scope="module")
def points():
    return gan_cases.points_gan()


@pytest.fixture(scope="module")
def pictures():
    return gan_cases.images_gan()


def dense(inputs, outputs, activation=None):
    given = keras.Input((inputs,))
    return keras.Model(given, layers.Dense(outputs, activation)(given))


def classifier():
    given = keras.Input((2,))
    return keras.Model(given, [layers.Dense(1)(given), layers.Dense(3)(given)])


def told(outputs=2, dtype="int32"):
    z, label = keras.Input((3,)), keras.Input((), dtype=dtype)
    column = layers.Reshape((1,))(layers.Rescaling(1.0)(label))
    joined = layers.Concatenate()([z, column])
    return keras.Model([z, label], layers.Dense(outputs)(joined))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, z):
        return self.dense(z)


NETWORKS = {
    "no model": (lambda: (lambda z: z, dense(2, 1)), "generator must be a"),
    "unbuilt": (
        lambda: (dense(3, 2), keras.Sequential([layers.Dense(1)])),
        "discriminator has no known inputs",
    ),
    "subclassed": (
        lambda: (Subclassed(), dense(2, 1)),
        "generator has no known inputs",
    ),
    "shapes": (
        lambda: (dense(3, 2), dense(4, 1)),
        r"shape \(2,\).*must take \(2,\); it takes \(4,\)",
    ),
    "two logits": (lambda: (dense(3, 2), dense(2, 2)), "one logit"),
    "sigmoid": (
        lambda: (dense(3, 2), dense(2, 1, "sigmoid")),
        "ends in sigmoid.*Remove",
    ),
    "sigmoid layer": (
        lambda: (
            dense(3, 2),
            keras.Sequential([dense(2, 1), layers.Activation("sigmoid")]),
        ),
        "ends in sigmoid",
    ),
    "condition for one": (
        lambda: (told(), dense(2, 1)),
        "generator takes conditions and the discriminator does not",
    ),
    "classes for one": (
        lambda: (dense(3, 2), classifier()),
        "discriminator takes conditions and the generator does not",
    ),
    "vectors for a classifier": (
        lambda: (told(dtype="float32"), classifier()),
        "go with integer conditions",
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_that_do_not_fit(name):
    make, message = NETWORKS[name]
    with pytest.raises(ValueError, match=message):
        gz.GAN(*make())


def test_constructor_arguments():
    pair = gz.networks.mlp(3, 2, width=4, depth=1)
    for options, message in (
        ({"latent": 5}, "latent must be"),
        ({"ema": 1.0}, "ema must be"),
        ({"packing": 0}, "packing must be"),
        ({"packing": 2}, r"\(2 packed\), so the discriminator must take"),
        ({"augmentation": "flip"}, "must be a genzoo.layers.Augmentation"),
        ({"augmentation": gz.layers.Augmentation()}, "changes images"),
        ({"classes": 3}, "go with integer conditions"),
        ({"self_conditioned": True}, "needs networks of .* integer conditions"),
    ):
        with pytest.raises(ValueError, match=message):
            gz.GAN(*pair, **options)
    pair = gz.networks.mlp(3, 2, width=4, depth=1, condition=2)
    with pytest.raises(ValueError, match="needs networks of .* integer cond"):
        gz.GAN(*pair, self_conditioned=True)


def test_compile_arguments(points):
    adam = keras.optimizers.Adam()
    scaled = keras.optimizers.LossScaleOptimizer(adam)
    for options, message in (
        ({"loss": "hinges"}, "loss must be one of"),
        ({"loss": "pcd"}, "energy-based models"),
        ({"penalties": ["r1"]}, "genzoo.penalties.*'r1'"),
        ({"penalties": keras.regularizers.L2(1.0)}, "genzoo.penalties"),
        ({"discriminator_steps": 0}, "discriminator_steps"),
        ({"discriminator_steps": True}, "discriminator_steps"),
        (
            {"optimizer": adam, "discriminator_optimizer": adam},
            "Make a second one",
        ),
        (
            {"optimizer": scaled, "discriminator_optimizer": adam},
            "Make a second one",
        ),
        ({"metrics": ["nothing"]}, "nothing|metric"),
    ):
        with pytest.raises(ValueError, match=message):
            points.compile(**options)


def test_penalties_need_a_gradient():
    given = keras.Input((2,))
    rounded = layers.Lambda(lambda x: tf.round(x))(given)
    critic = keras.Model(given, layers.Dense(1)(rounded))
    gan = gz.GAN(dense(3, 2), critic)
    with pytest.raises(ValueError, match="penalty needs the gradient"):
        gan.compile()
    gan.compile(penalties=[])


def test_data(points, pictures):
    before = points.draws.state.numpy()
    bytes_ = (255 * (images + 1) / 2).astype("uint8")
    with pytest.raises(ValueError, match=r"shape \(n, 2\); received"):
        points.fit(x[:, :1])
    with pytest.raises(ValueError, match="not finite"):
        points.fit(np.full((4, 2), np.nan))
    for method in (pictures.fit, pictures.evaluate):
        with pytest.raises(ValueError, match=r"\[-1, 1\].*x / 127.5 - 1"):
            method(bytes_, labels)
    # D takes what G cannot give.
    assert np.isfinite(pictures.score(bytes_, labels)).all()
    with pytest.raises(ValueError, match="not finite"):
        pictures.score(np.full((1, 8, 8, 1), np.inf), [0])
    dataset = tf.data.Dataset.from_tensor_slices((bytes_, labels)).batch(4)
    with pytest.raises(ValueError, match=r"\[-1, 1\].*x / 127.5 - 1"):
        pictures.fit(dataset)
    with pytest.raises(ValueError, match="shape.*8, 8, 1"):
        pictures.fit(images[:, :7], labels)
    with pytest.raises(ValueError, match="is empty"):
        points.fit(x[:0])
    with pytest.raises(ValueError, match="steps_per_epoch goes with"):
        points.fit(x, steps_per_epoch=3)
    np.testing.assert_array_equal(points.draws.state, before)


def test_conditions(points, pictures):
    for y in (labels, labels[:, None]):
        with pytest.raises(ValueError, match="not conditional"):
            points.fit(x, y)
    with pytest.raises(ValueError, match="not conditional"):
        points.sample(3, labels=[0, 1, 2])
    pairs = tf.data.Dataset.from_tensor_slices((x, labels)).batch(4)
    with pytest.raises(ValueError, match="must give x alone"):
        points.fit(pairs)
    alone = tf.data.Dataset.from_tensor_slices(images).batch(4)
    with pytest.raises(ValueError, match=r"must give \(x, labels\)"):
        pictures.fit(alone)
    for method in (pictures.fit, pictures.evaluate, pictures.score):
        for y, message in (
            (None, "is conditional; pass labels 0 to 2"),
            (labels[:5], "20 examples and 5 labels"),
            (labels + 1, r"received values in \[1, 3\]"),
            (labels - 0.5, "labels 0 to 2"),
            (np.eye(3)[labels], r"received shape \(20, 3\)"),
            (np.array(["a"] * 20), "must be numbers"),
        ):
            with pytest.raises(ValueError, match=message):
                method(images, y)
    with pytest.raises(ValueError, match="not conditional"):
        points.score(x, labels)
    message = "conditions were given.*labels 0 to 2.*Pass labels="
    for method, given in ((pictures.score, images), (pictures.sample, 3)):
        with pytest.raises(ValueError, match=message):
            method(given, conditions=labels)
    with pytest.raises(ValueError, match="conditions were given.*not cond"):
        points.sample(3, conditions=[[0.5]] * 3)
    told = gan_cases.points_gan(networks={"condition": 2})
    message = r"labels were given.*shape \(n, 2\). Pass conditions="
    for method, given in ((told.score, x), (told.sample, 20)):
        with pytest.raises(ValueError, match=message):
            method(given, labels=labels)
    with pytest.raises(ValueError, match=r"3 examples and 2|shape"):
        pictures.sample(3, labels=[0, 1])
    with pytest.raises(ValueError, match="labels 0 to 2"):
        pictures.sample(3, labels=3)


def test_latents(points, pictures):
    with pytest.raises(ValueError, match=r"shape \(n, 3\); received"):
        points.predict(x, verbose=0)
    with pytest.raises(ValueError, match="is conditional"):
        pictures.predict(np.ones((2, 3)), verbose=0)
    with pytest.raises(ValueError, match="labels 0 to 2"):
        pictures.predict([np.ones((2, 3)), np.array([0, 7])], verbose=0)
    for n in (0, -1, 2.5, True, None):
        with pytest.raises(ValueError, match="n must be a positive int"):
            points.sample(n)
    with pytest.raises(ValueError, match="memory|GB"):
        points.sample(10**14)
    with pytest.raises(ValueError, match="seed must be"):
        points.sample(3, seed="one")


def test_a_wrong_batch_later_in_a_dataset():
    gan = gan_cases.images_gan(compiling={"run_eagerly": True})
    wrong = np.concatenate([images, images + 9])
    twice = np.concatenate([labels, labels])
    dataset = tf.data.Dataset.from_tensor_slices((wrong, twice)).batch(20)
    with pytest.raises(ValueError, match="a batch of the dataset"):
        gan.fit(dataset, verbose=0)
    both = np.concatenate([images, images])
    twice = np.concatenate([labels, labels + 5])
    dataset = tf.data.Dataset.from_tensor_slices((both, twice)).batch(20)
    with pytest.raises(ValueError, match="labels 0 to 2"):
        gan.fit(dataset, verbose=0)


def test_clusters():
    gan = gan_cases.clusters_gan()
    for method in (gan.fit, gan.evaluate, gan.score):
        with pytest.raises(ValueError, match="It finds classes of its own"):
            method(images, labels)
    with pytest.raises(ValueError, match="It finds classes of its own"):
        gan.sample(3, labels=1)
    with pytest.raises(ValueError, match="3 examples cannot make 4 clusters"):
        gan.fit(images[:3])
    with pytest.raises(ValueError, match=r"latents must have shape \(n, 4\)"):
        gan.predict(np.zeros((2, 3), "float32"))
    assert not gan.clusters.is_adapted
