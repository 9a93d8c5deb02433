"""Makes the site: `make docs`, or `python docs/build.py`.

Runs the course and the guides, writes their pages and notebooks, and those of
the gallery, the zoo, the reference and the benchmarks, and the playground's
models, into docs/_generated; lets mkdocs make site/ of it; looks for links that
lead nowhere and for anything that a page would load from another host; and
opens the playground in a browser, where there is one.
"""

import argparse
import base64
import concurrent.futures
import gzip
import hashlib
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
MADE = DOCS / "_generated"
SITE = ROOT / "site"
# Fetched by npm, checked by their hashes, never committed.
KATEX = "katex@0.19.1"
ONNXRUNTIME = "onnxruntime-web@1.30.0"
SHA512 = {
    KATEX: "jG8uKntjSEcm2EpQOh0XturpPuuC9r3Sq5HLHdsFdWZT27E672SF19QEi+of0/"
    "YeOy15lDgRhKvr5614uRrEfA==",
    ONNXRUNTIME: "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3j"
    "L02Vb7QmRMDs1SigqR4CXAfKYQ==",
}
EXECUTED = ("course", "guides")


def sources():
    """The `.py` files of which pages are made."""
    return [
        path for room in EXECUTED for path in sorted((DOCS / room).glob("*.py"))
    ]


def prepare():
    """Of each process that runs pages, before TensorFlow is imported."""
    os.environ |= {"KERAS_BACKEND": "tensorflow", "MPLBACKEND": "Agg"}
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path.insert(0, str(DOCS))
    import tensorflow as tf

    # Two devices of one processor, for the page about devices.
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)


def make(path):
    """Runs one source and writes its page and notebook; CPU-seconds."""
    import cells

    folder = MADE / path.parent.name
    parts = cells.parse(path)
    began = time.process_time()
    cells.execute(path, parts, folder / "images")
    seconds = time.process_time() - began
    note = (
        f"---\ntitle: {json.dumps(cells.title(parts))}\n---\n\n"
        f"{cells.markdown(parts, 'images')}\n"
        f"[Download this page as a notebook]({path.stem}.ipynb)"
        "{.notebook download}\n"
    )
    (folder / f"{path.stem}.md").write_text(note)
    (folder / f"{path.stem}.ipynb").write_text(cells.notebook(parts))
    return seconds


def make_all(processes):
    """Runs all of them, a few at a time."""
    for room in EXECUTED:
        (MADE / room / "images").mkdir(parents=True)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(
        processes, mp_context=context, initializer=prepare
    ) as pool:
        paths = sources()
        for path, seconds in zip(paths, pool.map(make, paths), strict=True):
            print(f"{path.relative_to(DOCS)!s:40} {seconds:5.1f} CPU-s")


def fetched(package):
    """The archive of a package of npm, kept in docs/.cache."""
    kept = DOCS / ".cache" / f"{package.replace('@', '-')}.tgz"
    if not kept.exists():
        if not shutil.which("npm"):
            raise SystemExit(
                f"docs/build.py: npm is needed once, to fetch {package} "
                "(Debian, Ubuntu: apt install npm)."
            )
        kept.parent.mkdir(exist_ok=True)
        command = ["npm", "pack", "--silent", package]
        subprocess.run(command, cwd=kept.parent, check=True)
    digest = hashlib.sha512(kept.read_bytes()).digest()
    if base64.b64encode(digest).decode() != SHA512[package]:
        raise SystemExit(
            f"docs/build.py: {kept} is not {package} as it was published; "
            "delete it and try again."
        )
    return kept


def wanted(package, pattern):
    """(name, bytes) of the files in a package's dist/ of such names."""
    with tarfile.open(fetched(package)) as archive:
        for member in archive:
            name = member.name.removeprefix("package/dist/")
            if re.fullmatch(pattern, name):
                yield name, archive.extractfile(member).read()


def katex():
    """Puts the formulas' script, style and fonts into the site's assets."""
    folder = MADE / "assets" / "katex"
    (folder / "fonts").mkdir(parents=True)
    pattern = r"katex\.min\.(js|css)|fonts/[\w-]+\.woff2"
    for name, data in wanted(KATEX, pattern):
        if name.endswith(".css"):
            # Every browser of today reads woff2.
            other = rb',url\([^)]*\) format\("(woff|truetype)"\)'
            data = re.sub(other, b"", data)
        (folder / name).write_bytes(data)


def onnxruntime():
    """Puts what runs the playground's GANs into the site's assets.

    The larger part is gzipped here, since not every server would do it; the
    page unpacks it.
    """
    folder = MADE / "assets" / "onnxruntime"
    folder.mkdir(parents=True)
    pattern = r"ort\.wasm\.min\.mjs|ort-wasm-simd-threaded\.(mjs|wasm)"
    for name, data in wanted(ONNXRUNTIME, pattern):
        if name.endswith(".wasm"):
            name, data = f"{name}.gz", gzip.compress(data, 9, mtime=0)
        (folder / name).write_bytes(data)


def main():
    """Everything; stops at the first thing that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    began = time.time()
    shutil.rmtree(MADE, ignore_errors=True)
    MADE.mkdir()
    for path in (
        *DOCS.glob("*.md"),
        *DOCS.glob("models/*.md"),
        *DOCS.glob("assets/*"),
        *DOCS.glob("playground/*"),
    ):
        target = MADE / path.relative_to(DOCS)
        target.parent.mkdir(exist_ok=True)
        shutil.copy(path, target)
    katex()
    onnxruntime()
    make_all(options.processes)
    environment = os.environ | {"KERAS_BACKEND": "tensorflow"}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "NO_MKDOCS_2_WARNING": "1"}
    for command in (
        [sys.executable, str(DOCS / "pages.py")],
        [sys.executable, str(DOCS / "play.py")],
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"],
        [sys.executable, str(DOCS / "shorten.py")],
        [sys.executable, str(DOCS / "links.py")],
        [sys.executable, str(DOCS / "browser.py")],
    ):
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
    print(f"site/ is made, in {time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
