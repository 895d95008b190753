"""Files, bytes and arrays become pages: RGB pictures and what their files state."""
