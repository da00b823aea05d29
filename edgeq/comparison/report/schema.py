"""docs/compare.schema.json and docs/compare.md: `python -m edgeq.comparison.report.schema docs`."""

from __future__ import annotations

import sys
from pathlib import Path

from edgeq.comparison.report.document import COMPARISON
from edgeq.comparison.report.fields import FIELDS
from edgeq.report.docs import Description, write_pages

DESCRIPTION = Description(document=COMPARISON, command="python -m edgeq.comparison.report.schema docs", fields=FIELDS)

if __name__ == "__main__":
    write_pages(DESCRIPTION, Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
