"""Recordings with their labels, by one interface for training and benchmarks."""
