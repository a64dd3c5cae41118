"""This library and its peers on the same work, in one run on one machine: ``python -m benchmarks``."""
