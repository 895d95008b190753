"""Where the millimeters of a page lie: grid lattice, sheet, scale, and the remap to an upright page."""
