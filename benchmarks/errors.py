"""The one error of the benchmarks."""

__all__ = ["BenchmarkError"]


class BenchmarkError(Exception):
    """Something is missing, failed or answered wrongly, so that there is nothing to compare."""
