"""A bad cable on purpose: a proxy between host and device that damages what travels, by a seed.

For tests, and for everyone who wants to know what a cable, an adapter or a remote line does to a run:

    python -m edgeq.link.faulty /dev/ttyACM0 --bit-errors 1e-4 --drop 0.003
    edgeq validate build/ --device THE-PORT-THAT-IT-PRINTS
"""

from __future__ import annotations

from edgeq.link.faulty.faults import Faults as Faults
from edgeq.link.faulty.faults import Injected as Injected
from edgeq.link.faulty.proxy import Proxy as Proxy
