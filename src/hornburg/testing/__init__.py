"""Helpers for tests, benchmarks and plug-in authors: made-up DICOM data."""

from hornburg.testing.datasets import DatasetFactory, InstanceIdentity

__all__ = ["DatasetFactory", "InstanceIdentity"]
