"""Memory and traces of a long `fit`: `python -m tests.long 200000`.

Each family makes so many updates of one device, one step a call, in epochs of
1,000. Memory is what the process holds at the end of an epoch; traces are how
often Python has been through `train_step`.
"""

import resource
import sys
import time
from pathlib import Path

import keras

import genzoo as gz
from tests.kill import FAMILIES

ROWS, BATCH, EACH = 200, 8, 1_000
_PAGE = resource.getpagesize()


def _held():
    """MiB of memory that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * _PAGE / 2**20


class Watch(keras.callbacks.Callback):
    """Memory and traces where epochs end.

    Args:
        model: that is trained.

    Attributes:
        held: MiB, one for each epoch.
        traces: how often a step was traced, one for each epoch.
    """

    def __init__(self, model):
        super().__init__()
        self.held, self.traces = [], []
        self._count = 0
        step = model.train_step

        def counted(*args):
            self._count += 1
            return step(*args)

        model.train_step = counted

    def on_epoch_end(self, epoch, logs=None):
        self.held.append(_held())
        self.traces.append(self._count)


def _chains(seed):
    # By averages alone its search would soon have ended.
    model = gz.MaxEnt(gz.spaces.Spin(6), gz.features.Pairwise(), seed=seed)
    model.compile("adam", gz.losses.PersistentContrastiveDivergence())
    return model, {"x": 2.0 * FAMILIES["rbm"](0)[1]["x"] - 1}


MODELS = {**FAMILIES, "maxent": _chains}


def main():
    updates = int(sys.argv[1])
    for family in sys.argv[2:] or MODELS:
        keras.utils.set_random_seed(0)
        model, data = MODELS[family](0)
        watch = Watch(model)
        times = -(-BATCH * EACH // ROWS)
        x = data["x"].repeat(times, axis=0)
        start = time.process_time()
        model.fit(
            x,
            batch_size=BATCH,
            epochs=updates // EACH,
            callbacks=[watch],
            verbose=0,
        )
        seconds = time.process_time() - start
        every = -(-len(watch.held) // 20)
        first, last = watch.held[0], watch.held[-1]
        print(
            f"{family}: {updates:,} updates in {seconds:.0f} CPU-s; after the "
            f"first {EACH:,} {first:.0f} MiB, at the end {last - first:+.1f}, "
            f"at most {max(watch.held) - first:+.1f}; traces "
            f"{watch.traces[0]}, {watch.traces[-1]}\n  "
            + " ".join(f"{held - first:+.1f}" for held in watch.held[::every]),
            flush=True,
        )


if __name__ == "__main__":
    main()
