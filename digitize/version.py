"""The version of the software, stated once."""

__version__ = "0.1.1"
