"""Images per CPU-second of a GAN's `fit`: genzoo, by hand in Keras, PyTorch.

The networks and the loss of Keras's guide to custom `train_step`s: MNIST's
shape, batch 64, one update of D and one of G for each batch, Adam, one
thread. `by hand` is the class that one writes after that guide: two updates
and two means, no average of the generator, no saved noise, no replicas.
genzoo is measured as it is by default, with the average of the generator and
its five logs; and with R1 and R2 on an eighth of the batch. Contenders take
turns; the best round of each counts.

    python -m benchmarks.gan.speed [--rounds 4] [--steps 40]
"""

import time

from benchmarks import common

BATCH, LATENT = 64, 128
TORCH = "torch==2.13.0"
KERAS, PYTORCH = "by hand in Keras", "by hand in PyTorch"


def networks():
    """The guide's generator and discriminator."""
    import keras
    from keras import layers

    discriminator = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(64, 3, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Conv2D(128, 3, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.GlobalMaxPooling2D(),
            layers.Dense(1),
        ]
    )
    generator = keras.Sequential(
        [
            keras.Input((LATENT,)),
            layers.Dense(7 * 7 * LATENT),
            layers.LeakyReLU(0.2),
            layers.Reshape((7, 7, LATENT)),
            layers.Conv2DTranspose(128, 4, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Conv2DTranspose(128, 4, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Conv2D(1, 7, padding="same", activation="sigmoid"),
        ]
    )
    return generator, discriminator


def by_hand():
    """A GAN as one writes it after Keras's guide."""
    import keras
    import tensorflow as tf

    class GAN(keras.Model):
        def __init__(self):
            super().__init__()
            self.generator, self.discriminator = networks()
            self.noise = keras.random.SeedGenerator(0)
            self.means = [keras.metrics.Mean(name=n) for n in ("d", "g")]

        def compile(self):
            super().compile()
            self.d_optimizer = keras.optimizers.Adam(3e-4)
            self.g_optimizer = keras.optimizers.Adam(3e-4)
            self.cost = keras.losses.BinaryCrossentropy(from_logits=True)

        @property
        def metrics(self):
            return self.means

        def train_step(self, real):
            rows = tf.shape(real)[0]
            z = keras.random.normal((rows, LATENT), seed=self.noise)
            both = tf.concat([self.generator(z), real], axis=0)
            zeros, ones = tf.zeros((rows, 1)), tf.ones((rows, 1))
            truth = tf.concat([zeros, ones], axis=0)
            weights = self.discriminator.trainable_weights
            with tf.GradientTape() as tape:
                d_loss = self.cost(truth, self.discriminator(both))
            self.d_optimizer.apply(tape.gradient(d_loss, weights), weights)
            z = keras.random.normal((rows, LATENT), seed=self.noise)
            weights = self.generator.trainable_weights
            with tf.GradientTape() as tape:
                fake = self.discriminator(self.generator(z))
                g_loss = self.cost(ones, fake)
            self.g_optimizer.apply(tape.gradient(g_loss, weights), weights)
            for mean, value in zip(self.means, (d_loss, g_loss), strict=True):
                mean.update_state(value)
            return {mean.name: mean.result() for mean in self.means}

    gan = GAN()
    gan.compile()
    return gan


def ours(penalties):
    """genzoo's GAN of the same networks, loss and optimizers."""
    import keras

    import genzoo as gz

    gan = gz.GAN(*networks(), seed=0)
    gan.compile(
        keras.optimizers.Adam(3e-4), loss="non_saturating", penalties=penalties
    )
    return gan


def in_keras(rounds, steps):
    """Images per CPU-second of each contender in this process."""
    import numpy as np
    import tensorflow as tf

    import genzoo as gz

    x = np.random.default_rng(0).random((BATCH * steps, 28, 28, 1), "float32")
    data = tf.data.Dataset.from_tensor_slices(x).shuffle(len(x), seed=0)
    data = data.batch(BATCH).prefetch(tf.data.AUTOTUNE)
    some = [gz.penalties.R1(0.1, 1 / 8), gz.penalties.R2(0.1, 1 / 8)]
    every = [gz.penalties.R1(0.1), gz.penalties.R2(0.1)]
    contenders = {
        KERAS: (by_hand(), data),
        "genzoo": (ours([]), x),
        "genzoo, R1 + R2 on 1/8": (ours(some), x),
        "genzoo, R1 + R2 on all": (ours(every), x),
    }
    found = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, (gan, examples) in contenders.items():
            options = {"batch_size": BATCH} if examples is x else {}
            begin = time.process_time()
            gan.fit(examples, verbose=0, **options)
            if number:  # the first traces
                found[name].append(len(x) / (time.process_time() - begin))
    return found


def in_torch(rounds, steps):
    """The same networks and updates, by hand in PyTorch, one thread."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(0)
    leaky = nn.LeakyReLU(0.2)
    discriminator = nn.Sequential(
        nn.Conv2d(1, 64, 3, 2, 1),
        leaky,
        nn.Conv2d(64, 128, 3, 2, 1),
        leaky,
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(128, 1),
    )
    generator = nn.Sequential(
        nn.Linear(LATENT, 7 * 7 * LATENT),
        leaky,
        nn.Unflatten(1, (LATENT, 7, 7)),
        nn.ConvTranspose2d(128, 128, 4, 2, 1),
        leaky,
        nn.ConvTranspose2d(128, 128, 4, 2, 1),
        leaky,
        nn.Conv2d(128, 1, 7, 1, 3),
        nn.Sigmoid(),
    )
    for network in (generator, discriminator):
        network.to(memory_format=torch.channels_last)
    adams = [
        torch.optim.Adam(network.parameters(), 3e-4)
        for network in (generator, discriminator)
    ]
    x = torch.rand(BATCH * steps, 1, 28, 28)
    cost = nn.functional.softplus
    rates = []
    for number in range(rounds + 1):
        begin = time.process_time()
        for real in x[torch.randperm(len(x))].split(BATCH):
            fake = generator(torch.randn(BATCH, LATENT)).detach()
            on_real, on_fake = discriminator(torch.cat([real, fake])).chunk(2)
            loss = (cost(-on_real).mean() + cost(on_fake).mean()) / 2
            adams[1].zero_grad()
            loss.backward()
            adams[1].step()
            fake = generator(torch.randn(BATCH, LATENT))
            loss = cost(-discriminator(fake)).mean()
            adams[0].zero_grad()
            loss.backward()
            adams[0].step()
        if number:
            rates.append(len(x) / (time.process_time() - begin))
    return {PYTORCH: rates}


def rows(found):
    best = found["best"]

    def rate(name):
        return f"{best[name]:.0f} ({best[name] / best[KERAS]:.2f} x)"

    return [
        common.row(
            "networks and loss of Keras's GAN guide, images a CPU-second",
            rate("genzoo"),
            f"{KERAS} {rate(KERAS)}; {PYTORCH} {rate(PYTORCH)}",
        ),
        common.row(
            "the same with R1 and R2, on an eighth of the batch and on all",
            f"{rate('genzoo, R1 + R2 on 1/8')}, "
            f"{rate('genzoo, R1 + R2 on all')}",
        ),
    ]


def main():
    options = common.options(__doc__, rounds=4, steps=40)
    arguments = options.rounds, options.steps
    found = {
        **common.elsewhere(in_keras, *arguments),
        **common.elsewhere(in_torch, *arguments, peers=[TORCH]),
    }
    best = {name: max(rates) for name, rates in found.items()}
    for name, rate in best.items():
        ratio = rate / best[KERAS]
        print(f"{name:28s} {rate:6.1f} images/CPU-s {ratio:5.2f} x")
    found = {"images per CPU-second": found, "best": best}
    common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
