"""The command, as ``python -m papertrace scan.png --out DIR``."""

from __future__ import annotations

import sys

from papertrace.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
