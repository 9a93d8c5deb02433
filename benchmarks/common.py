"""What the benchmarks share: peers, one thread, rows and json."""

import argparse
import importlib
import inspect
import json
import os
import platform
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
PEERS = HERE / ".venv-peers"
BROKEN_DEPENDENCIES = ("maxentropy", "pydca")
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
}


def options(text, **defaults):
    """Numbers, words or switches of the command line, by their defaults."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    for name, default in defaults.items():
        kind = {"type": type(default), "default": default}
        if default is False:
            kind = {"action": "store_true"}
        elif default is None:
            kind = {}
        parser.add_argument(f"--{name}", **kind)
    return parser.parse_args()


def peer_python(*packages):
    """The interpreter of an environment with peers, made if missing.

    Args:
        packages: names of the PyPI packages wanted.
    """
    python = PEERS / "bin" / "python"
    if not python.exists():
        venv.create(PEERS, with_pip=True)
    pip = [python, "-m", "pip"]
    shown = subprocess.run([*pip, "show", "-q", *packages], capture_output=True)
    if shown.returncode or shown.stderr:
        broken = [p for p in packages if p in BROKEN_DEPENDENCIES]
        others = [p for p in packages if p not in BROKEN_DEPENDENCIES]
        subprocess.run([*pip, "install", "-q", *others], check=True)
        if broken:
            # Their own list of dependencies cannot be installed any more.
            subprocess.run(
                [*pip, "install", "-q", "--no-deps", *broken], check=True
            )
    return str(python)


def elsewhere(function, *arguments, peers=(), environment=ONE_THREAD):
    """What a function of a benchmark returns, in a process of its own.

    Args:
        function: of a module below `benchmarks`; its result goes as json.
        arguments: as json, too.
        peers: the PyPI packages of its environment; none is genzoo's own.
        environment: more variables of the environment.
    """
    script = Path(inspect.getfile(function)).resolve()
    module = ".".join(script.relative_to(HERE.parent).with_suffix("").parts)
    python = peer_python(*peers) if peers else sys.executable
    call = [module, function.__name__, json.dumps(arguments)]
    result = subprocess.run(
        [python, "-m", "benchmarks.common", *call],
        env={**os.environ, **environment},
        cwd=HERE.parent,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(result.stdout.splitlines()[-1])


def row(what, genzoo, beside=""):
    """A row of the README's table."""
    return {"what": what, "genzoo": genzoo, "beside": beside}


def path_of(script):
    """The json that belongs to a script."""
    below = Path(script).resolve().relative_to(HERE)
    return HERE / "results" / below.with_suffix(".json")


def written(script):
    """What the script's json holds so far, a dict."""
    path = path_of(script)
    return json.loads(path.read_text()) if path.exists() else {}


def save(script, found, rows):
    """Write what was found, the rows that tell it, and the machine."""
    import importlib.metadata as metadata

    found["rows"] = rows(found)
    found["machine"] = {
        "processor": _processor(),
        "python": platform.python_version(),
        **{p: metadata.version(p) for p in ("tensorflow", "keras", "numpy")},
    }
    path = path_of(script)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n")
    print(f"written to {path}")


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [
        line.split(":")[1].strip() for line in lines if "model name" in line
    ]
    return f"{len(names)} x {names[0]}"


if __name__ == "__main__":
    module, name, arguments = sys.argv[1:]
    function = getattr(importlib.import_module(module), name)
    print(json.dumps(function(*json.loads(arguments))))
