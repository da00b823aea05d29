"""How long the suite runs: EDGEQ_CASES cases per family (default 50), seeded by EDGEQ_SEED (default: today's date).

The seed is in pytest's summary and in every failure's message. The full run is EDGEQ_CASES=500.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

CASES = int(os.environ.get("EDGEQ_CASES", "50"))
SEED = int(os.environ.get("EDGEQ_SEED") or datetime.now(UTC).strftime("%Y%m%d"))
