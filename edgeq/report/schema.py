"""docs/report.schema.json and docs/report.md, written from the records: `python -m edgeq.report.schema docs`."""

from __future__ import annotations

import sys
from pathlib import Path

from edgeq.records import Drift
from edgeq.report.docs import Description, Shape, write_pages
from edgeq.report.fields import FIELDS
from edgeq.report.record import REPORT, DriftInfo

DESCRIPTION = Description(
    document=REPORT,
    command="python -m edgeq.report.schema docs",
    fields=FIELDS,
    shapes={
        "DriftInfo.references": Shape(
            words="object of [Drift](#drift)",
            schema={"type": "object", "additionalProperties": {"$ref": "#/$defs/Drift"}, "minProperties": 1},
        )
    },
    merged={DriftInfo: Drift},
    remarks={
        DriftInfo: "Beside these, all fields of [Drift](#drift) stand here for the primary reference, the one that "
        "decides; they equal those under `references`."
    },
)

if __name__ == "__main__":
    write_pages(DESCRIPTION, Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
