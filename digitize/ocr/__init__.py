"""Printed words, lead names and scales, read off the ink."""
