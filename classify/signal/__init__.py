"""Statements from the digitized signal: what the network is shown, the network, what spoke."""
