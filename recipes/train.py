"""Train the presets of saved_models, each with its card.

    python benchmarks/train_presets.py NAME [NAME ...]
    python benchmarks/train_presets.py NAME --load PATH

The second takes a model that was trained before, from a preset or a .keras
file.
Afterwards put the hashes that are printed into genzoo/zoo/builtin.py.
`digit_features` takes the weights of digit_classifier.py, which trains them
if there are none in benchmarks/.cache.
"""

import argparse

import keras
import presets_digits
import presets_gan
import presets_ising
import presets_mnist
import presets_patches
from preset_cards import FOLDER

import genzoo as gz
from genzoo.zoo import __main__ as command

PRESETS = {
    function.__name__: function
    for room in (
        presets_digits,
        presets_gan,
        presets_ising,
        presets_mnist,
        presets_patches,
    )
    for function in room.PRESETS
}


def main():
    """Train what is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=PRESETS)
    parser.add_argument("--load", metavar="PATH")
    options = parser.parse_args()
    trained = []
    if options.load:
        is_file = options.load.endswith(".keras")
        load = keras.models.load_model if is_file else gz.from_preset
        trained = [load(options.load)]
    for name in options.names:
        PRESETS[name](*trained)
        print(f'    "{name}": (')
        command.main(["hash", str(FOLDER / name)])
        print("    ),")


if __name__ == "__main__":
    main()
