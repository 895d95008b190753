"""Statements from the digitized signal: the network's input, the network, its evidence."""
