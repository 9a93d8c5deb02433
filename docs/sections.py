"""Of griffe: what this package's docstrings call `Example:`.

Its lines stand at the left; griffe knows them by the name `Examples:`, and
indented.
"""

import re

import griffe

_EXAMPLE = re.compile(r"^Example:\n+((?:.*\n?)+)", re.MULTILINE)


class Examples(griffe.Extension):
    """Renames the section, and indents it to the end of the docstring."""

    def on_instance(self, *, obj, **_):
        """Of every object that has a docstring."""
        if obj.is_alias or obj.docstring is None:
            return
        obj.docstring.value = _EXAMPLE.sub(_renamed, obj.docstring.value)


def _renamed(found):
    lines = re.sub(r"^(?=.)", "    ", found[1], flags=re.MULTILINE)
    return f"Examples:\n{lines}"
