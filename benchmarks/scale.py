"""What large arrays cost: time, memory, and an epoch from a file.

Bits as bytes, 784 in a row. `check and adapt` is what `RBM.fit` does before it
learns, on 600,000 rows in memory; `peak` a whole fit of 2,400,000 rows, 1.9
GB, with all that Python and TensorFlow take; `from a file` an epoch of
three times 2 GiB, mapped by `numpy.load(mmap_mode="r")` in a process whose data
`setrlimit` holds to 2 GiB, beside an epoch in memory without a limit. Of the
file the system may keep in its cache what the machine has room for.

    python -m benchmarks.scale [--rounds 3]
"""

import os
import tempfile
import time
from pathlib import Path

from benchmarks import common

WIDTH, HIDDEN, BATCH = 784, 64, 4096
ROWS = {"check and adapt": 600_000, "peak": 2_400_000}
LIMIT = 2**31
LARGE = 3 * LIMIT // WIDTH
AT_ONCE = 10_000


def fill(x):
    """Bits drawn into an array, a part at a time."""
    import numpy as np

    rng = np.random.default_rng(0)
    for first in range(0, len(x), AT_ONCE):
        part = x[first : first + AT_ONCE]
        part[:] = rng.integers(0, 2, part.shape, np.uint8)
    return x


def bits(rows):
    import numpy as np

    return fill(np.empty((rows, WIDTH), np.uint8))


def machine():
    """An RBM whose graphs are made."""
    import genzoo

    rbm = genzoo.RBM(
        genzoo.units.Bernoulli(WIDTH), genzoo.units.Bernoulli(HIDDEN), seed=0
    )
    rbm.compile(watch=False)
    return rbm


def status(name):
    """Bytes of this process, by a line of /proc/self/status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def timed(function):
    wall, cpu = time.time(), time.process_time()
    function()
    return {"CPU s": time.process_time() - cpu, "wall s": time.time() - wall}


def check_and_adapt(rows):
    """What `fit` does before it learns; `adapt` checks first."""
    x = bits(rows)
    machine().adapt(x[:AT_ONCE].copy())
    rbm = machine()
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    found = timed(lambda: rbm.adapt(x))
    return {**found, "bytes beyond": status("VmHWM") - before}


def peak(rows):
    """An epoch with all that comes before it."""
    x = bits(rows)
    found = timed(lambda: machine().fit(x, batch_size=BATCH, verbose=0))
    return {**found, "array": x.nbytes, "peak": status("VmHWM")}


def write(path, rows):
    """The file of a process that is to read it; how large it is."""
    import numpy as np

    fill(np.lib.format.open_memmap(path, "w+", np.uint8, (rows, WIDTH)))
    return os.path.getsize(path)


def epoch(path, limit):
    """An epoch from a file within a limit, or in memory without one."""
    import resource

    import numpy as np

    if limit:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    x = np.load(path, mmap_mode="r" if limit else None)
    rbm = machine()
    rbm.fit(x[:AT_ONCE], batch_size=BATCH, verbose=0)
    found = timed(lambda: rbm.fit(x, batch_size=BATCH, verbose=0))
    return {**found, "kernel": float(np.abs(rbm.kernel.numpy()).sum())}


def rows(found):
    """For the README's table."""
    check, whole = found["check and adapt"], found["peak"]
    file, memory = found["from a file"], found["in memory"]
    return [
        common.row(
            f"check and adapt {ROWS['check and adapt']:,} x {WIDTH} bytes "
            "(CPU s; memory beyond the array)",
            f"{check['CPU s']:.2f} s; {check['bytes beyond'] / 1e9:.3f} GB",
        ),
        common.row(
            f"fit {ROWS['peak']:,} x {WIDTH} bytes, "
            f"{whole['array'] / 1e9:.1f} GB: peak memory of the process",
            f"{whole['peak'] / 1e9:.2f} GB",
        ),
        common.row(
            f"an epoch of {found['bytes'] / 2**30:.0f} GiB from a file in a "
            f"process of {LIMIT / 2**30:.0f} GiB (CPU s)",
            f"{file['CPU s']:.0f} s",
            f"genzoo in memory: {memory['CPU s']:.0f} s",
        ),
    ]


def fastest(rounds, function, *arguments):
    found = [common.elsewhere(function, *arguments) for _ in range(rounds)]
    return min(found, key=lambda one: one["CPU s"])


def main():
    rounds = common.options(__doc__, rounds=3).rounds
    found = {
        "note": "the machine had other work to do meanwhile: CPU seconds tell "
        "more than wall seconds",
        "load": os.getloadavg(),
    }
    name = "check and adapt"
    found[name] = fastest(rounds, check_and_adapt, ROWS[name])
    found["peak"] = common.elsewhere(peak, ROWS["peak"])
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/x.npy"
        found["bytes"] = common.elsewhere(write, path, LARGE)
        found["from a file"] = common.elsewhere(epoch, path, LIMIT)
        found["in memory"] = common.elsewhere(epoch, path, 0)
    common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
