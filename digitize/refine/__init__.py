"""A small network that corrects the traces, window by window."""
