"""Measures of digitization and reading, shared by training and benchmarks."""
