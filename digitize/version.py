"""The version of the software, stated once."""

__version__ = "0.2.0"
