"""Rate, intervals and axis, measured on averaged beats."""
