"""The class of each beat of the rhythm strip."""
