"""Fits the learned parts from real recordings and printed pages; only `papertrace.benchmarks` imports it."""
