"""What happens to the bytes of one direction of a line. No I/O, and no clock but the caller's."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, fields

_BITS = 10  # of a byte on the line, 8N1
_PIECE_SECONDS = 1e-3  # a rate-limited line hands out what arrived within so long
_BACKLOG_SECONDS = 0.02  # what a rate-limited line takes ahead, as a transmitter's buffer does
_LONGEST_UNIT = 4096  # bytes without a delimiter that count as a frame
_SPLIT = 40  # longest piece of a line that splits
_TOO_FAST_ERRORS = 0.02  # per bit, at a speed that the line does not carry


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What a line does, in both directions.

    Attributes:
        bit_errors: chance of each bit to be flipped.
        drop: chance of each unit to be lost.
        duplicate: chance of each unit to arrive twice.
        frames: a unit is what stands between two delimiters (zeros), not a single byte.
        delay: longest time in seconds that a piece is late; the order stays.
        split: pieces arrive in smaller pieces.
        merge: seconds for which bytes are held back, to arrive together.
        baud: speed of the line, 8N1; None: as fast as it goes.
        clean_baud: the fastest speed that the line carries; above it, one bit in 50 is wrong. It is asked where the
            ends say their speed.
        seed: of all chance. The same bytes suffer the same, however they are cut into pieces, but for delays.
    """

    bit_errors: float = 0.0
    drop: float = 0.0
    duplicate: float = 0.0
    frames: bool = False
    delay: float = 0.0
    split: bool = False
    merge: float = 0.0
    baud: int | None = None
    clean_baud: int | None = None
    seed: int = 0


@dataclass(slots=True)
class Injected:
    """What was done to one direction so far. `units` are bytes or frames, as `Faults.frames` says.

    `lost_in_cuts` and `garbled` count bytes: lost while the line was cut, unreadable because the ends had other speeds.
    """

    bytes_in: int = 0
    bytes_out: int = 0
    flipped_bits: int = 0
    dropped_units: int = 0
    duplicated_units: int = 0
    lost_in_cuts: int = 0
    garbled: int = 0

    def as_dict(self) -> dict[str, int]:
        """Name to count, for JSON."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class _Chance:
    """Events that hit each of many things with the same small chance; draws one number per hit."""

    def __init__(self, rng: random.Random, chance: float) -> None:
        self._rng = rng
        self._log = math.log1p(-chance) if 0 < chance < 1 else -math.inf if chance >= 1 else 0.0
        self._until = self._gap()

    def hits(self, count: int) -> Iterator[int]:
        """Which of the next `count` things are hit, as indices."""
        while self._until < count:
            yield int(self._until)
            self._until += 1 + self._gap()
        self._until -= count

    def _gap(self) -> float:
        if self._log == 0.0:
            return math.inf
        return math.floor(math.log(1.0 - self._rng.random()) / self._log)


class Direction:
    """One direction of the line. Bytes go in by `feed`, and come out of `take` when it is their time."""

    def __init__(self, faults: Faults, *, seed: int) -> None:
        """`seed` is of this direction; `faults.seed` is not looked at."""
        self.injected = Injected()
        self._faults = faults
        # One source for each purpose, so that the places of damage do not depend on how the bytes come in.
        self._timing, self._fate, flips, units, fast = (
            random.Random(f"{seed} {purpose}")  # noqa: S311 (damage, not secrets)
            for purpose in ("timing", "fate", "flips", "units", "fast")
        )
        self._flips = _Chance(flips, faults.bit_errors)
        self._units = _Chance(units, faults.drop + faults.duplicate)
        self._too_fast = _Chance(fast, _TOO_FAST_ERRORS)
        self._unfinished = bytearray()
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._free_at = 0.0
        self._held_until = -math.inf
        self._cut_until = -math.inf

    def cut(self, until: float) -> None:
        """Everything that is fed before the time `until` is lost."""
        self._cut_until = until

    def feed(
        self,
        data: bytes,
        now: float,
        *,
        sender: int | None = None,
        receiver: int | None = None,
        waited: bool = False,
    ) -> None:
        """Bytes enter the line at the time `now`; `sender` and `receiver` are the speeds of its ends, if known.

        Bytes that `waited` for room entered as soon as there was some: a real line has no pause because a busy computer
        looks at it late.
        """
        self.injected.bytes_in += len(data)
        if now < self._cut_until:
            self.injected.lost_in_cuts += len(data)
            self._unfinished.clear()
            return
        data = self._flipped(self._with_losses(data), self._flips)
        if sender and receiver:
            if not 0.97 < sender / receiver < 1.03:
                self.injected.garbled += len(data)
                # A zero at a slower speed is a break, which a receiver takes for a zero.
                slower = sender < receiver
                data = bytes(0 if slower and not byte else self._timing.randrange(1, 256) for byte in data)
            elif self._faults.clean_baud and sender > self._faults.clean_baud:
                data = self._flipped(data, self._too_fast)
        baud = self._faults.baud or (sender if self._faults.clean_baud else None)
        self._schedule(data, min(now, self._free_at) if waited else now, baud)

    def take(self, now: float) -> bytes:
        """What leaves the line up to the time `now`."""
        out = bytearray()
        while self._waiting and self._waiting[0][0] <= now:
            out += self._waiting.popleft()[1]
        self.injected.bytes_out += len(out)
        return bytes(out)

    def next_time(self) -> float:
        """When the next bytes leave; infinite if there are none."""
        return self._waiting[0][0] if self._waiting else math.inf

    def is_full(self, now: float) -> bool:
        """Whether the line has taken as much ahead as it does."""
        return self._free_at > now + _BACKLOG_SECONDS

    def _with_losses(self, data: bytes) -> bytes:
        if not self._faults.frames:
            return self._lossy([data[i : i + 1] for i in range(len(data))]) if self._lossless_not() else data
        *whole, rest = (bytes(self._unfinished) + data).split(b"\0")
        self._unfinished[:] = rest
        units = [unit + b"\0" for unit in whole]
        if len(rest) > _LONGEST_UNIT:
            units.append(rest)
            self._unfinished.clear()
        return self._lossy(units)

    def _lossless_not(self) -> bool:
        return self._faults.drop + self._faults.duplicate > 0

    def _lossy(self, units: list[bytes]) -> bytes:
        share = self._faults.drop / (self._faults.drop + self._faults.duplicate) if self._lossless_not() else 0.0
        for index in self._units.hits(len(units)):
            if self._fate.random() < share:
                self.injected.dropped_units += 1
                units[index] = b""
            else:
                self.injected.duplicated_units += 1
                units[index] *= 2
        return b"".join(units)

    def _flipped(self, data: bytes, chance: _Chance) -> bytes:
        out = bytearray(data)
        for bit in chance.hits(8 * len(data)):
            out[bit // 8] ^= 1 << bit % 8
            self.injected.flipped_bits += 1
        return bytes(out)

    def _schedule(self, data: bytes, now: float, baud: int | None) -> None:
        faults, at = self._faults, 0
        if faults.merge:
            if self._held_until < now:
                self._held_until = now + faults.merge
            now = self._held_until
        longest = max(1, int(baud / _BITS * _PIECE_SECONDS)) if baud else len(data)
        while at < len(data):
            size = min(longest, self._timing.randrange(1, _SPLIT)) if faults.split else longest
            piece = data[at : at + size]
            late = self._timing.random() * faults.delay
            self._free_at = max(self._free_at, now + late) + (len(piece) * _BITS / baud if baud else 0.0)
            self._waiting.append((self._free_at, piece))
            at += size
