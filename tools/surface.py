"""The public names of genzoo: of every `__init__`, and of every model.

python tools/surface.py            # print them
python tools/surface.py --write    # keep them in tests/public_surface.json
"""

import importlib
import json
import pkgutil
import sys
from pathlib import Path

KEPT = Path(__file__).parents[1] / "tests" / "public_surface.json"


def names():
    """A dict from rooms and models to their public names."""
    import keras

    import genzoo as gz

    found = {"genzoo": sorted(gz.__all__)}
    for room in pkgutil.iter_modules(gz.__path__, "genzoo."):
        if room.ispkg:
            module = importlib.import_module(room.name)
            found[room.name] = sorted(getattr(module, "__all__", ()))
    of_keras = set(dir(keras.Model))
    for model in (gz.MaxEnt, gz.BoltzmannMachine, gz.RBM, gz.GAN):
        own = {name for name in dir(model) if not name.startswith("_")}
        found[model.__name__] = sorted(own - of_keras)
    return found


if __name__ == "__main__":
    text = json.dumps(names(), indent=1) + "\n"
    if "--write" in sys.argv:
        KEPT.write_text(text)
    print(text)
