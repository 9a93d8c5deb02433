"""Train the presets of saved_models, each with its card.

    python benchmarks/train_presets.py NAME [NAME ...]
    python benchmarks/train_presets.py NAME --load FOLDER

The second takes a model that was trained, and saved to a preset, before.
Afterwards put the hashes that are printed into genzoo/zoo/builtin.py.
`digit_features` takes the weights of digit_classifier.py, which trains them
if there are none in benchmarks/.cache.
"""

import argparse

import presets_digits
import presets_gan
import presets_ising
from preset_cards import FOLDER

import genzoo as gz
from genzoo.zoo import __main__ as command

PRESETS = {
    function.__name__: function
    for room in (presets_digits, presets_gan, presets_ising)
    for function in room.PRESETS
}


def main():
    """Train what is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=PRESETS)
    parser.add_argument("--load", metavar="FOLDER")
    options = parser.parse_args()
    trained = [gz.from_preset(options.load)] if options.load else []
    for name in options.names:
        PRESETS[name](*trained)
        print(f'    "{name}": (')
        command.main(["hash", str(FOLDER / name)])
        print("    ),")


if __name__ == "__main__":
    main()
