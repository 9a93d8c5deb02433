"""How many files of the house a call enters.

python tools/trips.py            # the files of each trip
"""

import sys
import threading
from pathlib import Path

from house import PACKAGE


def entered(call):
    """The files of the package whose functions a call runs, sorted."""
    found = set()

    def note(frame, event, argument):
        if event == "call":
            found.add(frame.f_code.co_filename)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    inside = (Path(name) for name in found)
    return sorted(
        str(path.relative_to(PACKAGE))
        for path in inside
        if path.is_relative_to(PACKAGE)
    )


def trips():
    """A dict from what is done to the files that it enters."""
    import numpy as np

    import genzoo as gz

    rng = np.random.default_rng(0)
    die = gz.MaxEnt(gz.spaces.Categorical(range(1, 7)), gz.features.Moments(1))
    rbm = gz.RBM(gz.units.Bernoulli(6), gz.units.Bernoulli(4))
    gan = gz.GAN(*gz.networks.mlp(2, 2, width=8, depth=1))
    for model in (die, rbm, gan):
        model.compile()
    bits = (rng.random((20, 6)) < 0.5).astype("uint8")
    points = rng.normal(size=(20, 2)).astype("float32")
    options = {"epochs": 1, "verbose": 0}
    return {
        "MaxEnt.fit": entered(lambda: die.fit(observations=[4.5], **options)),
        "RBM.fit": entered(lambda: rbm.fit(bits, **options)),
        "GAN.fit": entered(lambda: gan.fit(points, **options)),
        "from_preset": entered(lambda: gz.from_preset("rbm_digits_8x8")),
    }


if __name__ == "__main__":
    for name, files in trips().items():
        print(f"{name}: {len(files)} files", *files, sep="\n    ")
