"""One script a claim, run as `python -m benchmarks.rbm.speed`."""
