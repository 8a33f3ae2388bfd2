"""Benchmarks against the SDK's own runner, both in one run: ``python -m bench``."""
