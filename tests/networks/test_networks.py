from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import genzoo as gz
from genzoo.layers.grouped import GroupedConv2D
from genzoo.networks import conv1d, conv3d, dcgan, mlp, modern, resnet
from genzoo.networks.grids import grid, transposed

IMAGES = {
    "dcgan": dcgan,
    "resnet": resnet,
    "modern": partial(modern, blocks=1),
}
both = pytest.mark.parametrize("make", IMAGES.values(), ids=IMAGES)


# Nothing here is a power of two, or a multiple of one, but by chance.
OTHERS = [
    (conv1d, (4, 1)),
    (conv1d, (5, 64)),
    (conv1d, (187, 2)),
    (conv1d, (4096, 1)),
    (conv3d, (4, 4, 4, 1)),
    (conv3d, (5, 9, 16, 2)),
    (conv3d, (4, 64, 7, 1)),
]


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def test_grids_of_all_sizes():
    for side in range(8, 129):
        (start, other), doublings = grid(side, side)
        assert other == start
        assert 2 <= start <= 8
        # A little more than the side, which is cut off.
        assert side <= start * 2**doublings < side + 2**doublings
        assert doublings >= 2


@both
@pytest.mark.parametrize(
    "shape",
    [
        (8, 8, 1),
        (12, 12, 3),
        (33, 33, 1),
        (128, 128, 1),
        # A layer of a calorimeter, a portrait, four bands, a spectrogram.
        (3, 96, 1),
        (64, 32, 3),
        (12, 6, 4),
        (128, 20, 2),
    ],
)
def test_pairs_of_images(make, shape):
    keras.utils.set_random_seed(shape[0])
    generator, discriminator = make(5, shape, width=4)
    images = generator(noise(6, 5))
    assert images.shape == (6, *shape)
    assert images.dtype == tf.float32
    assert np.abs(images).max() <= 1
    assert discriminator(images).shape == (6, 1)
    facts = gz.GAN(generator, discriminator, ema=None).networks
    assert (facts.space.low.min(), facts.space.high.max()) == (-1, 1)
    assert facts.space.event_shape == shape


@pytest.mark.parametrize(("make", "shape"), OTHERS)
@pytest.mark.parametrize("activation", ["linear", "sigmoid"])
def test_pairs_of_signals_and_volumes(make, shape, activation):
    pair = make(5, shape, width=2, activation=activation)
    x = pair[0](noise(6, 5))
    assert x.shape == (6, *shape)
    assert x.dtype == tf.float32
    assert pair[1](x).shape == (6, 1)
    # Each place is told by the latents, to the last one.
    varies = x.numpy().std(axis=0) > 0
    assert varies.mean() > 0.9
    facts = gz.GAN(*pair, ema=None).networks
    limited = activation == "sigmoid"
    assert facts.space.is_bounded == limited
    assert facts.space.event_shape == shape


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("kernel", [4, 8])
def test_a_convolution_up_keeps_the_variance(axes, kernel):
    keras.utils.set_random_seed(axes)
    for gain in (1.0, 2.0):
        x = noise(64, *[4] * axes, 16)
        layer = transposed(axes, 64, kernel, gain)
        found = layer(x).numpy()
        assert found.shape == (64, *[8] * axes, 64)
        # Away from the edges, where kernels meet zeros.
        middle = found[(slice(None), *[slice(3, 5)] * axes)]
        assert abs(middle.var() / gain - 1) < 0.1


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize(
    ("make", "shape"),
    [(conv1d, (9, 2)), (conv3d, (4, 5, 6, 1)), (modern, (9, 6, 3))],
)
def test_networks_in_half_precision(make, shape, policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        generator, discriminator = make(3, shape, width=2)
        x = generator(noise(4, 3))
        assert x.dtype == discriminator(x).dtype == tf.float32
        with tf.GradientTape() as tape:
            cost = tf.reduce_sum(discriminator(generator(noise(4, 3))))
        kernels = [v.value for v in generator.trainable_variables]
        gradients = tape.gradient(cost, kernels)
        assert all(np.isfinite(g).all() for g in gradients)
    finally:
        keras.config.set_dtype_policy(before)


def test_channels_of_volumes_may_have_any_units():
    units = np.array([1e4, 1e-4])
    x = (3 + noise(64, 4, 5, 6, 2)) * units
    keras.utils.set_random_seed(0)
    gan = gz.GAN(*conv3d(3, (4, 5, 6, 2), width=2), seed=0)
    gan.compile()
    gan.fit(x, epochs=1, verbose=0)
    # Steepness is bought as for images, not as for vectors.
    assert [part.weight for part in gan.game.penalties] == [1.0, 1.0]
    found = gan.sample(64, seed=1).reshape(-1, 2) / units
    np.testing.assert_allclose(found.mean(axis=0), 3, atol=1.5)
    assert (found.std(axis=0) > 0.1).all()


@both
@pytest.mark.parametrize("side", [8, 32])
def test_they_begin_with_signals_of_order_one(make, side):
    keras.utils.set_random_seed(1)
    generator, discriminator = make(16, (side, side, 1), width=16)
    images = generator(noise(64, 16)).numpy()
    # Not saturated, not blank; pixels differ from image to image.
    assert 0.1 < images.std(axis=0).mean() < 0.9
    assert np.mean(np.abs(images) > 0.99) < 0.2
    # Images are smooth.
    data = np.sign(noise(64, 4, 4, 1)).repeat(side // 4, 1).repeat(side // 4, 2)
    logits = discriminator(data).numpy()
    assert 0.05 < np.abs(logits).mean() < 5
    assert logits.std() > 0.01


def test_modern_networks_begin_as_their_shortcuts_and_learn():
    keras.utils.set_random_seed(4)
    for blocks in (1, 4):
        pair = modern(8, (16, 12, 2), width=16, blocks=blocks)
        for network in pair:
            sums = [v for v in network.layers if isinstance(v, layers.Add)]
            # Three resolutions: 4, 8 and 16.
            assert len(sums) == 3 * blocks
            seen = keras.Model(
                network.input, [(v.input, v.output) for v in sums]
            )
            x = noise(4, *network.input_shape[1:])
            for (shortcut, _), found in seen(x):
                np.testing.assert_array_equal(found, shortcut)
            spread = [v for v in network.layers if isinstance(v, GroupedConv2D)]
            assert [v.groups for v in spread[:1]] != [1]
            for layer in spread:
                kernel = layer.kernel.numpy()
                # He's variance for leaky units, by fix-up for so many blocks.
                gain = np.prod(kernel.shape[:3]) * kernel.var()
                expected = 2 / 1.04 / np.sqrt(3 * blocks)
                assert abs(gain / expected - 1) < 0.1
        with tf.GradientTape() as tape:
            cost = tf.reduce_sum(pair[1](pair[0](noise(4, 8))))
        weights = [v for network in pair for v in network.trainable_variables]
        gradients = tape.gradient(cost, [v.value for v in weights])
        # The last kernels are zero and learn at once.
        zero = [not v.numpy().any() and len(v.shape) == 4 for v in weights]
        assert sum(zero) == 2 * 3 * blocks
        for gradient, is_zero in zip(gradients, zero, strict=True):
            assert np.isfinite(gradient).all()
            assert not is_zero or np.abs(gradient).max() > 0


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_grouped_convolutions_are_those_of_each_group(groups):
    layer = GroupedConv2D(12, 3, groups=groups, padding="same")
    layer = GroupedConv2D.from_config(layer.get_config())
    x = noise(2, 5, 4, 6)
    found = layer(x).numpy()
    kernel, padded = (
        layer.kernel.numpy(),
        np.pad(x, [(0, 0), *[(1, 1)] * 2, (0, 0)]),
    )
    ins, outs = 6 // groups, 12 // groups
    for group in range(groups):
        of_x = padded[..., group * ins : (group + 1) * ins]
        of_kernel = kernel[..., group * outs : (group + 1) * outs]
        expected = sum(
            of_x[:, i : i + 5, j : j + 4] @ of_kernel[i, j]
            for i in range(3)
            for j in range(3)
        )
        part = found[..., group * outs : (group + 1) * outs]
        np.testing.assert_allclose(part, expected, atol=1e-5)


def test_perceptrons_begin_with_signals_of_order_one():
    for width, depth in ((16, 1), (128, 3), (256, 5)):
        keras.utils.set_random_seed(2)
        generator, discriminator = mlp(8, 2, width=width, depth=depth)
        x = generator(noise(256, 8)).numpy()
        assert 0.2 < x.std() < 5
        logits = discriminator(noise(256, 2)).numpy()
        assert 0.05 < np.abs(logits).mean() < 5


def inputs(model, label, packing=1):
    x = [noise(4, *(int(n) for n in model.inputs[0].shape[1:]))]
    return [*x, label] if len(model.inputs) == 2 else x[0]


@pytest.mark.parametrize(
    "make",
    [
        lambda **options: mlp(3, 2, width=4, depth=1, **options),
        lambda **options: dcgan(3, (8, 8, 1), width=2, **options),
        lambda **options: resnet(3, (8, 8, 3), width=2, **options),
        lambda **options: modern(3, (8, 8, 1), width=2, blocks=1, **options),
        lambda **options: conv1d(3, (9, 2), width=2, **options),
        lambda **options: conv3d(3, (4, 5, 6, 1), width=2, **options),
    ],
    ids=["mlp", "dcgan", "resnet", "modern", "conv1d", "conv3d"],
)
def test_conditions(make):
    labels, vectors = np.array([0, 1, 2, 1]), noise(4, 2)
    for conditioning in ("concatenation", "projection", "auxiliary"):
        for label, options in (
            (labels, {"classes": 3}),
            (vectors, {"condition": 2}),
        ):
            options["conditioning"] = conditioning
            if conditioning == "auxiliary" and "condition" in options:
                with pytest.raises(ValueError, match="needs classes"):
                    make(**options)
                continue
            generator, discriminator = make(**options)
            found = generator(inputs(generator, label)).numpy()
            # Another condition, another result, in both networks.
            other = generator(inputs(generator, label[::-1])).numpy()
            assert (found[0] != other[0]).any()
            judged = discriminator(inputs(discriminator, label))
            if conditioning == "auxiliary":
                assert [part.shape for part in judged] == [(4, 1), (4, 3)]
            else:
                assert judged.shape == (4, 1)
                other = discriminator(inputs(discriminator, label[::-1]))
                assert (judged[0] != other[0]).numpy().all()
            gan = gz.GAN(generator, discriminator, ema=None)
            assert gan.conditions.classes == options.get("classes")
    packed = make(packing=3)[1]
    single = make()[1]
    assert packed.input.shape[-1] == 3 * single.input.shape[-1]
    assert packed.output.shape == (None, 1)


@both
def test_spectral_norms_become_one(make):
    keras.utils.set_random_seed(3)
    _, discriminator = make(
        3, (8, 8, 1), width=4, classes=3, spectral_normalization=True
    )
    x = [noise(2, 8, 8, 1), np.array([0, 1])]
    update = tf.function(lambda: discriminator(x, training=True))
    for _ in range(30):
        update()
    wrapped = [
        layer.layer
        for layer in discriminator.layers
        if isinstance(layer, layers.SpectralNormalization)
    ]
    assert len(wrapped) >= 3
    for layer in wrapped:
        kernel = layer.kernel.numpy()
        matrix = kernel.reshape(-1, kernel.shape[-1])
        np.testing.assert_allclose(np.linalg.norm(matrix, 2), 1, atol=0.02)


@pytest.mark.parametrize(
    "shape", [(28, 28), (2, 32, 1), (257, 8, 1), (3, 64, 64), (28, 28, 0)]
)
@both
def test_other_images_are_refused(make, shape):
    with pytest.raises(ValueError, match="sides 3 to 256, 1 to 16"):
        make(3, shape)


@pytest.mark.parametrize(
    ("make", "shapes", "message"),
    [
        (
            conv1d,
            [100, (100,), (3, 1), (4097, 1), (100, 65), (100.0, 1)],
            "a length of 4 to 4096, 1 to 64 channels.* x\\[..., None\\]",
        ),
        (
            conv3d,
            [(8, 8, 8), (3, 8, 8, 1), (8, 8, 65, 1), (8, 8, 8, 17)],
            "sides 4 to 64, 1 to 16 channels.* x\\[..., None\\]",
        ),
    ],
)
def test_other_signals_and_volumes_are_refused(make, shapes, message):
    for shape in shapes:
        with pytest.raises(ValueError, match=message):
            make(3, shape)


def test_conditions_that_are_none_are_refused():
    with pytest.raises(ValueError, match="classes, not condition alone"):
        mlp(3, 2, condition=2, conditioning="auxiliary")
    for options in ({"classes": 1}, {"classes": 2.5}, {"condition": 0}):
        (name,) = options
        with pytest.raises(ValueError, match=f"{name} must be an? .*int"):
            dcgan(3, (8, 8, 1), **options)
    with pytest.raises(ValueError, match="one of.*'projection'"):
        resnet(3, (8, 8, 1), classes=3, conditioning="film")


@pytest.mark.parametrize("activation", ["softmax", keras.activations.tanh])
def test_an_output_may_have_any_activation(activation):
    generator, _ = gz.networks.mlp(2, 3, activation=activation)
    x = generator(np.ones((4, 2), "float32")).numpy()
    if activation == "softmax":
        np.testing.assert_allclose(x.sum(axis=1), 1, rtol=1e-5)
    else:
        assert (np.abs(x) <= 1).all()


def test_an_activation_that_keras_does_not_know_is_named():
    with pytest.raises(ValueError, match="mlp: activation must be one of"):
        gz.networks.mlp(2, 3, activation="tan")
