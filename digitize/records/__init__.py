"""Plain results and facts at the bottom of the package: what pages have, and what files of weights hold."""
