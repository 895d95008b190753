"""The product around `digitize` and `classify`."""
