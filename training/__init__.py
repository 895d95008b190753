"""Fits the learned parts from real recordings and printed pages; of the other packages only `benchmarks` imports it."""
