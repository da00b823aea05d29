"""Many inferences over a line with faults, each result checked, and each inference of the device accounted for."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from link_firmware import expected

from edgeq.devices.native import native_device
from edgeq.link.faulty import Faults, Proxy
from edgeq.link.session import Session

BAD_LINE = Faults(bit_errors=1e-4, drop=0.003, duplicate=0.003)
"""Bit-error rate 1e-4, and 0.3 % of the bytes lost and doubled: of every 64 bytes, one is damaged in a third."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """What happened. `lives` are the device's between resets. `twice` counts inferences of the device that belong to no
    result: it computed something again, or for nothing."""

    samples: int
    wrong: int
    twice: int
    lives: int
    seconds: float
    retries: int
    bad_frames: int
    injected: dict[str, object]


def soak(
    program: Path,
    faults: Faults,
    *,
    samples: int,
    input_bytes: int,
    cuts: Sequence[float] = (),
    cut_seconds: float = 3.0,
    resets: Sequence[float] = (),
    timeout: float = 20.0,
) -> Soak:
    """Run `samples` random inputs on the native firmware `program` behind a proxy.

    `cuts` and `resets` are places in the run, as fractions of it. The model counts its inferences and puts the count
    into every output: within a life, results have all numbers from 1 on, or something was computed that is no result.
    """
    rng = random.Random(faults.seed)  # noqa: S311
    inputs = [
        (rng.randbytes(input_bytes), struct.pack("<5h", *rng.choices(range(-99, 99), k=5))) for _ in range(samples)
    ]
    begin, wrong, counts = time.monotonic(), 0, []
    with native_device(program) as device, Proxy(device.url, faults) as proxy:
        with Session.connect(proxy.url, timeout=timeout, failure=device.failure) as session:
            at_cut, at_reset = ({int(samples * place) for place in places} for places in (cuts, resets))
            for i, (one, result) in enumerate(zip(inputs, session.run_many(inputs), strict=True)):
                (count,) = struct.unpack_from("<i", result.outputs[0], 12)
                sums, echo = expected(one, count)
                wrong += result.outputs != (sums, echo[: len(result.outputs[1])])
                counts.append(count)
                if i in at_cut:
                    proxy.cut(cut_seconds)
                if i in at_reset:
                    proxy.reset()
            counters = session.counters
        injected = proxy.statistics()
    lives = [i for i, count in enumerate(counts) if i == 0 or count <= counts[i - 1]]
    twice = sum(counts[end - 1] - (end - start) for start, end in zip(lives, [*lives[1:], len(counts)], strict=True))
    return Soak(
        samples=len(counts),
        wrong=wrong,
        twice=twice,
        lives=len(lives),
        seconds=time.monotonic() - begin,
        retries=counters.retries,
        bad_frames=counters.bad_frames,
        injected=injected,
    )
