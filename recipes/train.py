"""Train the presets of saved_models, each with its card.

    python -m recipes.train NAME [NAME ...]
    python -m recipes.train NAME --load PATH

The second takes a model that was trained before, from a preset or a .keras
file.
Afterwards put the hashes that are printed into genzoo/zoo/builtin.py.
"""

import argparse

from genzoo.zoo import __main__ as command
from recipes import (
    angles,
    cards,
    digits,
    energies,
    gan,
    glyphs,
    ising,
    mnist,
    patches,
    plane,
    sources,
    tables,
    votes,
)

ROOMS = (
    angles,
    digits,
    energies,
    gan,
    glyphs,
    ising,
    mnist,
    patches,
    plane,
    tables,
    votes,
)
PRESETS = {
    function.__name__: function for room in ROOMS for function in room.PRESETS
}


def main():
    """Train what is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=PRESETS)
    parser.add_argument("--load", metavar="PATH")
    options = parser.parse_args()
    trained = [sources.trained(options.load)] if options.load else []
    for name in options.names:
        PRESETS[name](*trained)
        print(f'    "{name}": (')
        command.main(["hash", str(cards.FOLDER / name)])
        print("    ),")


if __name__ == "__main__":
    main()
