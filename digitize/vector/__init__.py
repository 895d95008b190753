"""Read the traces of a page off its file's own paths: nothing is rendered, followed or recognized."""
