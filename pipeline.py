"""From pictures of paper ECGs to records, tables, reports and overlays: ``python pipeline.py scan.png --out DIR``.

The command itself is `papertrace.cli`; an installed package has it as ``papertrace`` and ``python -m papertrace``.
"""

from __future__ import annotations

import sys

from papertrace.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
