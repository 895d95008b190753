"""Statements from the picture of the upright page."""
