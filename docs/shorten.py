"""Makes the index of the site's search smaller: each page loads it.

    python docs/shorten.py

Of the reference it keeps names and the beginning of what is said of them, of
all pages words without the marks of HTML.
"""

import json
import re
from pathlib import Path

INDEX = Path(__file__).parents[1] / "site" / "search" / "search_index.json"
# Letters of what the reference says.
LONGEST = 160


def shortened(entry):
    """An entry of the index, with fewer letters."""
    text = entry["text"]
    is_reference = entry["location"].startswith("reference/")
    if is_reference or entry["location"].startswith("gallery/"):
        # Code, which is not what one looks for.
        text = re.sub("<pre.*?</pre>", " ", text, flags=re.DOTALL)
    text = " ".join(re.sub("<[^>]+>", " ", text).split())
    if is_reference and len(text) > LONGEST:
        text = text[:LONGEST].rpartition(" ")[0]
    return {**entry, "text": text}


def main():
    """Write it anew."""
    index = json.loads(INDEX.read_text())
    index["docs"] = [shortened(entry) for entry in index["docs"]]
    INDEX.write_text(json.dumps(index, separators=(",", ":")))
    print(f"the index of the search has {INDEX.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
