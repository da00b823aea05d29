#!/usr/bin/env python3
"""How much sooner `edgeq compare` is done with two workers than with one, on the demo's model and data.

    python tools/bench/compare_jobs.py [--repeat 3] [--jobs 2] [--seeds 3] [--methods ptq,qat,qat-tfmot,16x8] [--json]

The same comparison runs with one worker and with several, in turn, each time from nothing. What counts is the wall time
of the whole command: the share that several workers take is the median over the pairs. CPU time, of all processes
together, says what the second worker costs beside; it is little disturbed by what else runs on the machine, which wall
time is not. Exit status 1 if the share is above --limit.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from edgeq import process
from edgeq.digits import make_demo


def timed(argv: list[str | Path], jobs: int, out: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one comparison."""
    before, begin = _cpu(), time.monotonic()
    process.run(
        [*argv, "--jobs", str(jobs), "--out", out], timeout=3600, what=f"edgeq compare --jobs {jobs}",
        env=process.own_environment(),
    )  # fmt: skip
    return time.monotonic() - begin, _cpu() - before


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3, help="pairs of runs (default: 3)")
    parser.add_argument("--jobs", type=int, default=2, help="workers that are compared with one (default: 2)")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of the comparison (default: 3)")
    parser.add_argument("--methods", default="ptq,qat,qat-tfmot,16x8", help="its methods (default: all)")
    parser.add_argument("--limit", type=float, default=0.6, help="largest share that passes (default: 0.6)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    found: dict[int, list[tuple[float, float]]] = {1: [], options.jobs: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, data = make_demo(folder)
        argv: list[str | Path] = [
            sys.executable, "-m", "edgeq", "compare", model, "--data", data, "--methods", options.methods,
            "--seeds", str(options.seeds),
        ]  # fmt: skip
        for pair in range(options.repeat):
            for jobs, times in found.items():
                times.append(timed(argv, jobs, folder / f"{pair}-{jobs}"))
    one, several = found[1], found[options.jobs]
    share = statistics.median(b[0] / a[0] for a, b in zip(one, several, strict=True))
    result = {
        "share": round(share, 3),
        "limit": options.limit,
        "jobs": options.jobs,
        "seconds": {jobs: statistics.median(wall for wall, _ in times) for jobs, times in found.items()},
        "cpu_seconds": {jobs: statistics.median(cpu for _, cpu in times) for jobs, times in found.items()},
        "pairs": options.repeat,
    }
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        for jobs, times in found.items():
            wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
            print(f"{jobs} worker{'s' if jobs > 1 else ' '}  {wall:7.1f} s wall  {cpu:7.1f} s CPU")
        print(f"share    {share:9.3f}   (limit {options.limit})")
    return int(share > options.limit)


if __name__ == "__main__":
    sys.exit(main())
