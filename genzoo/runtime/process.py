"""Whether this process can compute at all."""

import os
import sys

_is_forked = False


def _note_fork() -> None:
    global _is_forked
    context = sys.modules.get("tensorflow.python.eager.context")
    if context is not None and not _is_forked:
        # What TensorFlow has not begun it begins in the child.
        known = context.context_safe()
        _is_forked = known is not None and known._context_handle is not None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def check_not_forked() -> None:
    """Raise an error in a process that would wait for ever.

    TensorFlow's threads are not copied by a fork.

    Raises:
        RuntimeError: in a process that was forked after the first operation.
    """
    if _is_forked:
        raise RuntimeError(
            "This process was forked from one in which TensorFlow had begun "
            "to compute; its threads are not here, and it would wait for "
            "ever. Start processes by "
            "multiprocessing.get_context('spawn'), or fork before the first "
            "model is made."
        )
