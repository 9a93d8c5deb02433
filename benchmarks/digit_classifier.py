"""A small classifier of MNIST digits, by which generated digits are judged.

Trained once, kept in benchmarks/.cache; test accuracy at least 99 %. Images
are in [-1, 1], (n, 28, 28, 1). Its features are the 64 units before the last
layer.
"""

from pathlib import Path

import numpy as np

CACHE = Path(__file__).parent / ".cache" / "digit_classifier.weights.h5"


def build():
    """(classifier giving logits, model of its features), not trained."""
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1))
    x = image
    for width in (32, 64):
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        x = layers.Conv2D(width, 3, strides=2, activation="relu")(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.3)(x)
    features = layers.Dense(64, activation="relu")(x)
    logits = layers.Dense(10)(layers.Dropout(0.3)(features))
    return keras.Model(image, logits), keras.Model(image, features)


def load(data):
    """(classifier, features, accuracy on the test images).

    Args:
        data: ((x, y), (x_test, y_test)), images in [-1, 1].
    """
    import keras

    (x, y), (x_test, y_test) = data
    keras.utils.set_random_seed(0)
    classifier, features = build()
    steps = 5 * -(-len(x) // 128)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    classifier.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    if CACHE.exists():
        classifier.load_weights(CACHE)
    else:
        CACHE.parent.mkdir(exist_ok=True)
        classifier.fit(x, y, batch_size=128, epochs=5, verbose=2)
        classifier.save_weights(CACHE)
    found = classifier.predict(x_test, batch_size=500, verbose=0).argmax(1)
    accuracy = float(np.mean(found == y_test))
    if accuracy < 0.99:
        raise SystemExit(f"The classifier has an accuracy of {accuracy:.4f}.")
    return classifier, features, accuracy


def judge(samples, classifier, features, real, asked=None):
    """Measures of generated digits, a dict.

    Args:
        samples: images in [-1, 1].
        classifier: gives logits.
        features: gives features.
        real: features of real digits, as many.
        asked: the classes that were asked for, or None.
    """
    logits = classifier.predict(samples, batch_size=500, verbose=0)
    found = logits.argmax(1)
    top = np.exp(logits.max(1) - _log_sum_exp(logits))
    share = np.bincount(found, minlength=10) / len(found)
    kl = float(np.sum(share * np.log(np.maximum(share, 1e-12) * 10)))
    generated = features.predict(samples, batch_size=500, verbose=0)
    result = {
        "frechet": frechet(real, generated),
        "class_kl": kl,
        "confident": float(np.mean(top >= 0.9)),
        "class_shares": [round(float(s), 4) for s in share],
    }
    if asked is not None:
        result["as_asked"] = float(np.mean(found == asked))
    return result


def frechet(real, generated):
    """The Frechet distance of two sets of features, by genzoo's metric."""
    import genzoo as gz

    metric = gz.metrics.FrechetDistance()
    for i in range(0, len(real), 1000):
        metric.update_state(real[i : i + 1000], generated[i : i + 1000])
    return float(metric.result())


def _log_sum_exp(logits):
    most = logits.max(1, keepdims=True)
    return (most + np.log(np.exp(logits - most).sum(1, keepdims=True)))[:, 0]
