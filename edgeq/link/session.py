"""A conversation with a device: connect, check that it is the right one, run samples through it.

Whatever the line does, a result is of the input that was given, once; or an error says what is wrong, in time.
"""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Self, TypeVar

from edgeq.closing import Closing
from edgeq.errors import DataError, DeviceError, LinkError
from edgeq.link.about import Fact, Hello, TensorInfo
from edgeq.link.codes import BAUD, Kind, Mode, Status
from edgeq.link.exchange import Counters, DeviceResetError, Exchange, FaultReportedError, RefusedError, parsed
from edgeq.link.faults import Symbolise
from edgeq.link.greeting import say_hello
from edgeq.link.messages import Answer, EngineState, Stats
from edgeq.link.problems import REBUILD, TFLM_ENGINE, refusal_error
from edgeq.link.runs import Runs
from edgeq.link.speed import STEPS, LineSpeed
from edgeq.link.transport import Transport

_T = TypeVar("_T")

_POWER = "Is its power supply strong enough? Does its watchdog bite?"

_MOST_FACTS = 64  # that are asked for, whatever a device says
_RESETS = 4  # of the device within one request, after which it is no accident


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What one inference gave. `outputs` has the bytes of every output.

    Ticks of `Hello.ticks_hz`: of the first inference, and, for repeated ones, the shortest, the longest and the sum.
    """

    outputs: tuple[bytes, ...]
    ticks: int
    ticks_min: int
    ticks_max: int
    ticks_sum: int


class Session(Closing):
    """A connected device. Made by `connect`; leaving its `with` block closes the line."""

    def __init__(self, exchange: Exchange, hello: Hello, *, rx_window: int = 0) -> None:
        """Use `connect`."""
        self._exchange = exchange
        self.hello = hello
        self._runs = Runs(exchange, hello, rx_window=rx_window)
        self._speed = LineSpeed(exchange)
        self._closed = False
        self._tensors: tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]] | None = None

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        timeout: float = 10.0,
        run_timeout: float = 120.0,
        baud: int = BAUD,
        expect_sha256: str | None = None,
        failure: Callable[[], str | None] = lambda: None,
        symbolise: Symbolise | None = None,
        rx_window: int = 0,
    ) -> Self:
        """Open the line and wait for the device.

        Args:
            url: a serial port, a pseudo-terminal or a pyserial URL.
            timeout: seconds of silence after which the device counts as dead.
            run_timeout: seconds that one inference may take.
            baud: speed of a real line.
            expect_sha256: hex digest of the .tflite that the firmware must be built from; None: any.
            failure: asked now and then: why the device cannot answer any more (`Device.failure`).
            symbolise: names the place in the program of an address, for messages.
            rx_window: bytes that may be sent while the device computes (`Device.rx_window`), if the device itself says
                fewer.

        Raises:
            LinkError: no such port, no answer in time, or another version of the protocol.
            DeviceError: another model, a fault, or `failure` said why it cannot answer.
        """
        transport = Transport(url, baud=baud)
        try:
            transport.clear()
            exchange = Exchange(
                transport, timeout=timeout, run_timeout=run_timeout, failure=failure, symbolise=symbolise
            )
            try:
                return cls(exchange, say_hello(exchange, expect_sha256), rx_window=rx_window)
            except FaultReportedError:
                # Of an earlier conversation, perhaps: the device waits in its fault handler until it is reset.
                exchange.restart()
                return cls(exchange, say_hello(exchange, expect_sha256), rx_window=rx_window)
        except BaseException:
            transport.close()
            raise

    @property
    def counters(self) -> Counters:
        """Repetitions, damaged frames and resets so far."""
        return self._exchange.counters

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The model's inputs, as the device describes them."""
        return self._described()[0]

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """The model's outputs, as the device describes them."""
        return self._described()[1]

    def run(self, inputs: Sequence[bytes], *, repeat: int = 1) -> RunResult:
        """One inference; with `repeat`, that many in a row for timing, of which only the first has this input.

        Raises:
            DataError: `inputs` are not the bytes of the model's inputs.
            DeviceError, LinkError: as `connect`.
        """
        if repeat != 1:
            outputs = self._run(inputs, Mode.INFER)[1]
            answer, _ = self._run(inputs, Mode.INFER, repeat=repeat)
        else:
            answer, outputs = self._run(inputs, Mode.INFER)
        return self._result(answer, outputs)

    def run_many(self, samples: Iterable[Sequence[bytes]]) -> Iterator[RunResult]:
        """`run` of every sample, in order; each result as soon as it is there.

        The next input travels while the device computes, where the device has room for it: one sample is taken from
        `samples` ahead of the results.
        """
        data = (self._check(sample) for sample in samples)
        current = next(data, None)
        while current is not None:
            following = next(data, None)
            yield self._result(*self._execute(current, Mode.INFER, following=following))
            current = following

    def in_sequence(
        self,
        action: Callable[[Sequence[bytes]], _T],
        samples: Sequence[Sequence[bytes]],
        *,
        begin: Callable[[], object] = lambda: None,
    ) -> list[_T]:
        """`action` of every sample, in order, for a model with variables: what it finds depends on all samples before.

        Variables have their first values at the beginning. If the device forgets them on the way (a reset), everything
        begins anew; `begin` is called each time.

        Raises:
            DeviceError: that happened four times.
            DataError, DeviceError, LinkError: as `action`.
        """
        for _ in range(_RESETS):
            begin()
            self.selftest()  # it ends with the variables as they begin
            forgotten = self.counters.resets + self._runs.reruns
            found: list[_T] = []
            for sample in samples:
                found.append(action(sample))
                if self.counters.resets + self._runs.reruns != forgotten:
                    break
            else:
                return found
        raise DeviceError(
            f"{self._exchange.transport.url}: the device lost the model's variables {_RESETS} times within one "
            "sequence of samples.",
            hint=_POWER,
        )

    def _result(self, answer: Answer, outputs: bytes) -> RunResult:
        bounds = accumulate((tensor.nbytes for tensor in self.outputs), initial=0)
        return RunResult(
            outputs=tuple(outputs[a:b] for a, b in pairwise(bounds)),
            ticks=answer.ticks,
            ticks_min=answer.ticks_min,
            ticks_max=answer.ticks_max,
            ticks_sum=answer.ticks_sum,
        )

    def trace(self, inputs: Sequence[bytes]) -> tuple[int, ...]:
        """CRC-32 of the tensor at every trace point; empty if the firmware was built without tracing.

        Raises:
            DataError, DeviceError, LinkError: as `run`.
        """
        found: list[int] = []
        while len(found) < self.hello.trace_point_count:
            _, data = self._run(inputs, Mode.TRACE, point=len(found))
            if not data:
                raise DeviceError(f"The device reported {len(found)} fingerprints of {self.hello.trace_point_count}.")
            found += (int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4))
        return tuple(found)

    def timed(self, inputs: Sequence[bytes], mode: Mode) -> bytes | None:
        """The result of a mode that times ops (`edgeq.link.timing` reads it); None where the device does not have it.

        Raises:
            DataError, DeviceError, LinkError: as `run`.
        """
        data = self._check(inputs)
        return self._surviving(lambda: self._runs.timed(data, mode))

    def fetch(self, inputs: Sequence[bytes], point: int) -> bytes:
        """The tensor at trace point `point`.

        Raises:
            DataError: there is no such point.
            DataError, DeviceError, LinkError: as `run`.
        """
        if not 0 <= point < self.hello.trace_point_count:
            raise DataError(f"There is no trace point {point}; the firmware has {self.hello.trace_point_count}.")
        return self._run(inputs, Mode.FETCH, point=point)[1]

    def times(self, inputs: Sequence[bytes], repeat: int) -> tuple[int, ...] | None:
        """Ticks of each of `repeat` inferences in a row; None where the device does not keep them.

        Raises:
            DataError, DeviceError, LinkError: as `run`.
        """
        if not self.hello.ticks_hz:
            return None
        data = self._check(inputs)
        found = self._surviving(lambda: self._runs.times(data, repeat))
        return None if found is None else struct.unpack(f"<{repeat}I", found)

    def about(self) -> dict[str, str]:
        """What the device tells of itself in words (firmware/PROTOCOL.md, ABOUT); empty where it tells nothing.

        Raises:
            DeviceError, LinkError: as `connect`.
        """
        facts: dict[str, str] = {}
        for index in range(_MOST_FACTS):
            if (fact := self._fact(index)) is None:
                break
            facts[fact.key] = fact.value
            if index + 1 >= fact.count:
                break
        return facts

    def selftest(self) -> bool:
        """Whether the golden input, run on the device, gives the golden output.

        Raises:
            DeviceError, LinkError: as `connect`.
        """
        return self._run((), Mode.SELFTEST)[0].status == Status.OK

    def stats(self) -> Stats:
        """What the device counted since its start.

        Raises:
            DeviceError, LinkError: as `connect`.
        """
        return parsed(Stats.unpack, self._ask(Kind.STATS, b""))

    def arena_used(self) -> int | None:
        """Bytes that an interpreter took of its arena; None where the engine is none.

        Raises:
            DeviceError, LinkError: as `connect`.
        """
        if self.hello.engine != TFLM_ENGINE:
            return None
        return parsed(EngineState.unpack, self._ask(Kind.ENGINE_STATE, b"")).arena_used

    def reset(self) -> None:
        """Let the device start anew. It does so at the first speed of the line, where this side goes before it.

        Raises:
            DeviceError, LinkError: as `connect`.
        """
        if self._speed.is_raised:
            self._speed.fall_back()
        before = self._exchange.session
        deadline = time.monotonic() + self._exchange.timeout
        while before in (self._exchange.session, self.hello.session_before):
            if time.monotonic() > deadline:
                raise LinkError(f"{self._exchange.transport.url}: the device answers, but does not reset.")
            with contextlib.suppress(DeviceResetError):
                self._exchange.request(self._exchange.frame(Kind.RESET, b""))
            self._introduce_again()

    def speed_up(self, fastest: int = STEPS[0]) -> int:
        """Raise the line's speed as far as device and line carry it, up to `fastest` baud; gives the speed.

        It goes back by itself when the line shows errors, and at the end of the conversation.

        Raises:
            LinkError: the line is dead.
        """
        self._surviving(lambda: self._speed.raise_to(fastest))
        return self._exchange.transport.baud

    def close(self) -> None:
        """Close the line, at the speed of the beginning. May be called twice."""
        if not self._closed:
            self._closed = True
            self._speed.restore()
        self._exchange.transport.close()

    def _introduce_again(self) -> None:
        """After a reset: say HELLO once more, and check that it is still the same firmware."""
        before = self.hello
        self.hello = say_hello(self._exchange, before.sha256)
        if (self.hello.input_bytes, self.hello.output_bytes) != (before.input_bytes, before.output_bytes):
            raise DeviceError("The device came back from a reset with other tensors than before.", hint=REBUILD)
        self._runs.begin(self.hello)

    def _surviving(self, action: Callable[[], _T]) -> _T:
        """The result of `action`, begun anew if the device resets meanwhile."""
        for _ in range(_RESETS):
            try:
                self._speed.watch()
                return action()
            except LinkError:
                if not self._speed.is_raised:
                    raise
                self._speed.fall_back()
            except RefusedError as exc:
                raise refusal_error(exc.error) from exc
            except DeviceResetError:
                self._exchange.counters.resets += 1
                self._introduce_again()
        raise DeviceError(
            f"{self._exchange.transport.url}: the device started anew {_RESETS} times within one request.",
            hint=_POWER,
        )

    def _described(self) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
        if self._tensors is None:
            self._tensors = (
                tuple(self._describe(0, i) for i in range(self.hello.input_count)),
                tuple(self._describe(1, i) for i in range(self.hello.output_count)),
            )
        return self._tensors

    def _describe(self, direction: int, index: int) -> TensorInfo:
        return parsed(TensorInfo.unpack, self._ask(Kind.DESCRIBE, struct.pack("<BxH", direction, index)))

    def _fact(self, index: int) -> Fact | None:
        exchange = self._exchange

        def ask() -> bytes:
            try:
                return exchange.request(exchange.frame(Kind.ABOUT, struct.pack("<H", index))).payload
            except RefusedError:
                return b""

        payload = self._surviving(ask)
        return parsed(Fact.unpack, payload) if payload else None

    def _ask(self, kind: Kind, payload: bytes) -> bytes:
        exchange = self._exchange
        return self._surviving(lambda: exchange.request(exchange.frame(kind, payload)).payload)

    def _check(self, inputs: Sequence[bytes]) -> bytes:
        sizes, wanted = [len(one) for one in inputs], [tensor.nbytes for tensor in self.inputs]
        if sizes != wanted:
            raise DataError(f"The model's inputs have {wanted} bytes, not {sizes}.")
        return b"".join(inputs)

    def _run(self, inputs: Sequence[bytes], mode: Mode, *, repeat: int = 1, point: int = 0) -> tuple[Answer, bytes]:
        """The reply to a RUN, and the whole of its result."""
        data = b"" if mode is Mode.SELFTEST else self._check(inputs)
        return self._execute(data, mode, repeat=repeat, point=point)

    def _execute(
        self, data: bytes, mode: Mode, *, repeat: int = 1, point: int = 0, following: bytes | None = None
    ) -> tuple[Answer, bytes]:
        return self._surviving(lambda: self._runs.execute(data, mode, repeat=repeat, point=point, following=following))
