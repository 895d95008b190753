"""Rows, calibration pulses and separators, and the path of the pen along each row."""
