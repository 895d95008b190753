"""How much of each pixel is ink, where the grid lies, and the pieces that the ink falls into."""
