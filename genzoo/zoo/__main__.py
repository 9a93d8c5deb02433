"""python -m genzoo.zoo: the presets and their cards, on the command line.

list                          names, classes, sizes
card NAME                     the model card, as JSON; also of a folder or hf://
verify [NAME ...] [--quick]   measure the cards' numbers again
hash FOLDER                   a preset's row of genzoo/zoo/builtin.py
"""

import argparse
import sys
from collections.abc import Sequence

from genzoo.zoo import files, measures, presets


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code, 1 if a number drifted."""
    parser = argparse.ArgumentParser(
        prog="python -m genzoo.zoo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list")
    commands.add_parser("card").add_argument("name")
    verify = commands.add_parser("verify")
    verify.add_argument("names", nargs="*", metavar="NAME")
    verify.add_argument(
        "--quick",
        action="store_true",
        help="only what takes seconds and downloads nothing",
    )
    commands.add_parser("hash").add_argument("folder")
    options = parser.parse_args(arguments)
    try:
        return _COMMANDS[options.command](options)
    except (ValueError, ConnectionError, ImportError) as error:
        print(error, file=sys.stderr)
        return 1


def _list(options):
    for name in presets.list_presets():
        card = presets.card(name)
        print(
            f"{name:<24} {card['class']:<17} {card['parameters']:>9,}  "
            f"{card['description']}"
        )
    return 0


def _card(options):
    sys.stdout.write(files.to_json(presets.card(options.name)).decode())
    return 0


def _verify(options):
    drifted = 0
    for name in options.names or presets.list_presets():
        for row in measures.verify(name, options.quick):
            drifted += not row.agrees
            print(
                f"{'ok' if row.agrees else 'DRIFT':<6}{name:<24} "
                f"{row.measure:<32} card {row.expected:.5g}, now "
                f"{row.found:.5g}, tolerance {row.tolerance:.2g}"
            )
    return int(drifted > 0)


def _hash(options):
    hashes = [
        files.sha256(files.read(options.folder, name))
        for name in (files.CONFIG, files.METADATA, files.WEIGHTS)
    ]
    print("\n".join(f'        "{value}",' for value in hashes))
    return 0


_COMMANDS = {"list": _list, "card": _card, "verify": _verify, "hash": _hash}

if __name__ == "__main__":
    sys.exit(main())
