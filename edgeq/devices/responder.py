"""The device's side of the link in Python, for models that run on the host. The twin of firmware/src/link.c.

One table of conversations (tests/vectors/link.json) drives both.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence

from edgeq.devices.host_model import HostModel, InferenceError
from edgeq.link.about import Fact, Hello
from edgeq.link.codes import PROTOCOL_VERSION, QUIET, REPLY, Item, Kind, Mode, Refusal, Status, TicksKind
from edgeq.link.frame import BadFrame, Decoder, Frame, encode
from edgeq.link.messages import EVENT, WRITE_HEAD, Answer, EngineState, Error, Read, Run, Stats
from edgeq.link.payload import MessageError

_ENGINE_ABI = 1
_DESCRIBE = struct.Struct("<BxH")
_ABOUT = struct.Struct("<H")
_MOST_TICKS = 0xFFFFFFFF


class _RefusalError(Exception):
    def __init__(self, code: Refusal, detail: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class Responder:
    """Answers requests. `receive` takes the line's bytes; answers go to `send`."""

    def __init__(
        self, model: HostModel, send: Callable[[bytes], object], *, max_payload: int = 1024, rx_window: int = 0
    ) -> None:
        """Announces itself (BOOT).

        Args:
            model: what runs.
            send: takes the bytes for the line.
            max_payload: the largest payload, in both directions.
            rx_window: bytes that the line keeps while the model runs.
        """
        self._model = model
        self._send = send
        self._max_payload = max_payload
        self._rx_window = rx_window
        self._decoder = Decoder()
        self._session = 0
        self._input_bytes = sum(t.nbytes for t in model.inputs)
        self._output_bytes = sum(t.nbytes for t in model.outputs)
        self._open_run = 0
        self._input = bytearray()
        self._done_run = 0
        self._fresh_run = 0
        self._answer = b""
        self._outputs: bytes | None = None
        self._result = b""
        self._words = ""
        self._ticks: Sequence[int] = ()
        self._good = self._bad = self._runs = self._repeats = 0
        self.reset_requested = False
        self._event(Kind.BOOT, PROTOCOL_VERSION, 0)

    @property
    def requests(self) -> int:
        """Whole frames that have arrived so far."""
        return self._good

    def receive(self, data: bytes) -> None:
        """Take bytes of the line; every request that they complete is executed and answered."""
        for frame in self._decoder.feed(data):
            if isinstance(frame, BadFrame):
                self._bad += 1
                if len(frame.raw) > 4:  # a few stray bytes are no frame
                    self._event(Kind.DAMAGED, self._open_run, len(self._input))
            else:
                self._good += 1
                if not frame.kind & REPLY:
                    self._answer_request(frame)
                if self.reset_requested:
                    return

    def _event(self, kind: Kind, first: int, second: int) -> None:
        self._send(encode(Frame(kind, EVENT.pack(first, second))))

    def _answer_request(self, request: Frame) -> None:
        try:
            payload = self._dispatch(request)
        except _RefusalError as exc:
            error = Error(
                code=exc.code, request=request.kind, session=self._session, run=self._open_run, detail=exc.detail
            )
            self._send(encode(Frame(Kind.ERROR, error.pack(), 0, request.sequence)))
        else:
            if payload is not None:
                self._send(encode(Frame(request.kind | REPLY, payload, 0, request.sequence)))

    def _dispatch(self, request: Frame) -> bytes | None:
        known = QUIET if request.kind == Kind.WRITE else 0
        if request.flags & ~known:
            raise _RefusalError(Refusal.UNKNOWN_REQUEST, request.flags)
        if not self._session and Kind.WRITE <= request.kind <= Kind.READ:
            raise _RefusalError(Refusal.NO_SESSION)
        match request.kind:
            case Kind.PING:
                return bytes(request.payload)
            case Kind.HELLO:
                return self._hello(request.payload)
            case Kind.DESCRIBE:
                return self._describe(request.payload)
            case Kind.ABOUT:
                return self._about(request.payload)
            case Kind.WRITE:
                return self._write(request)
            case Kind.RUN:
                return self._run(request.payload)
            case Kind.READ:
                return self._read(request.payload)
            case Kind.STATS:
                return Stats(
                    frames_good=self._good, frames_bad=self._bad, runs=self._runs, repeats=self._repeats,
                    stack_high_water=0,
                ).pack()  # fmt: skip
            case Kind.SPEED:
                self._need(request.payload, 4)
                raise _RefusalError(Refusal.OUT_OF_RANGE)  # no line of ours has a speed
            case Kind.ENGINE_STATE:
                return EngineState(arena_used=self._model.arena_bytes, problem=0, detail=0, words=self._words).pack()
            case Kind.RESET:
                self.reset_requested = True
                return b""
        raise _RefusalError(Refusal.UNKNOWN_REQUEST)

    @staticmethod
    def _need(payload: bytes, size: int) -> None:
        if len(payload) < size:
            raise _RefusalError(Refusal.MALFORMED, size)

    def _hello(self, payload: bytes) -> bytes:
        self._need(payload, 4)
        model = self._model
        before, self._session = self._session, int.from_bytes(payload[:4], "little")
        return Hello(
            version=PROTOCOL_VERSION, engine_abi=_ENGINE_ABI,
            flags=model.flags, session_before=before, last_run=self._open_run, clock_hz=model.clock_hz,
            ticks_hz=model.ticks_hz, ticks_kind=TicksKind.TIMER if model.ticks_hz else TicksKind.NONE,
            max_payload=self._max_payload, rx_window=self._rx_window, input_count=len(model.inputs),
            output_count=len(model.outputs), op_count=model.op_count, trace_point_count=model.trace_point_count,
            input_bytes=self._input_bytes, output_bytes=self._output_bytes, arena_bytes=model.arena_bytes,
            stack_bytes=0, sha256=model.sha256, board=model.board, engine=model.engine, model=model.name,
        ).pack()  # fmt: skip

    def _describe(self, payload: bytes) -> bytes:
        self._need(payload, _DESCRIBE.size)
        direction, index = map(int, _DESCRIBE.unpack_from(payload))
        tensors = self._model.outputs if direction else self._model.inputs
        if direction > 1 or index >= len(tensors):
            raise _RefusalError(Refusal.OUT_OF_RANGE, len(tensors))
        return tensors[index].pack()

    def _about(self, payload: bytes) -> bytes:
        facts = list(self._model.about.items())
        if not facts:
            raise _RefusalError(Refusal.UNKNOWN_REQUEST)
        self._need(payload, _ABOUT.size)
        (index,) = map(int, _ABOUT.unpack_from(payload))
        if index >= len(facts):
            raise _RefusalError(Refusal.OUT_OF_RANGE, len(facts))
        key, value = facts[index]
        return Fact(index=index, count=len(facts), key=key, value=value).pack()

    def _write(self, request: Frame) -> bytes | None:
        self._need(request.payload, WRITE_HEAD.size)
        run, offset = WRITE_HEAD.unpack_from(request.payload)
        self._open(run)
        self._take(offset, request.payload[WRITE_HEAD.size :])
        return None if request.flags & QUIET else WRITE_HEAD.pack(self._open_run, len(self._input))

    def _open(self, run: int) -> None:
        if run < self._open_run:
            raise _RefusalError(Refusal.STALE)
        if run > self._open_run:
            self._open_run = run
            self._input.clear()
            self._fresh_run = 0

    def _take(self, offset: int, data: bytes) -> None:
        if offset + len(data) > self._input_bytes:
            raise _RefusalError(Refusal.OUT_OF_RANGE, self._input_bytes)
        if self._done_run == self._open_run:
            return
        if offset > len(self._input):
            raise _RefusalError(Refusal.NEED_INPUT, len(self._input))
        self._input += data[len(self._input) - offset :]

    def _run(self, payload: bytes) -> bytes:
        self._need(payload, Run.FORM.size)
        try:
            run = Run.unpack(payload)
        except MessageError as exc:
            raise _RefusalError(Refusal.OUT_OF_RANGE) from exc
        if run.run == 0 or run.repeat == 0 or (run.repeat > 1 and run.mode is not Mode.INFER):
            raise _RefusalError(Refusal.OUT_OF_RANGE)
        if run.mode is Mode.TICKS or (run.mode is Mode.PROFILE and not self._model.ticks_hz):
            raise _RefusalError(Refusal.OUT_OF_RANGE)  # no model of ours counts its kernels' ticks
        if run.mode in (Mode.TRACE, Mode.FETCH) and run.point >= self._model.trace_point_count:
            points = self._model.trace_point_count
            raise _RefusalError(Refusal.OUT_OF_RANGE if points else Refusal.NOT_TRACED, points)
        if run.run == self._done_run:
            self._repeats += 1
            return self._answer[: Answer.FORM.size + run.limit]
        self._open(run.run)
        self._take(run.offset, run.data)
        if run.mode is not Mode.SELFTEST and len(self._input) < self._input_bytes:
            raise _RefusalError(Refusal.NEED_INPUT, len(self._input))
        self._event(Kind.RUNNING, run.run, self._session)
        self._execute(run)
        return self._answer[: Answer.FORM.size + run.limit]

    def _execute(self, run: Run) -> None:
        self._outputs, self._result, self._ticks, self._words = None, b"", (), ""
        try:
            status = self._compute(run)
        except InferenceError as exc:
            status, self._words = Status.FAILED, str(exc)
        self._runs += 1
        self._done_run = self._fresh_run = run.run
        ticks = self._ticks or (0,)
        self._answer = Answer(
            run=run.run, status=status, mode=run.mode, repeat=run.repeat, total=len(self._result), ticks=ticks[0],
            ticks_min=min(ticks), ticks_max=max(ticks), ticks_sum=sum(ticks),
            data=self._result[: self._max_payload - Answer.FORM.size],
        ).pack()  # fmt: skip

    def _compute(self, run: Run) -> Status:
        model = self._model
        inputs, at = [], 0
        for tensor in model.inputs:
            inputs.append(bytes(self._input[at : at + tensor.nbytes]))
            at += tensor.nbytes
        match run.mode:
            case Mode.INFER:
                inferred = model.invoke(inputs, run.repeat)
                self._outputs = self._result = b"".join(inferred.outputs)
                self._ticks = [min(ticks, _MOST_TICKS) for ticks in inferred.ticks]
            case Mode.TRACE:
                self._outputs = b"".join(model.invoke(inputs).outputs)
                crcs = [zlib.crc32(tensor) for tensor in model.points(inputs)[run.point :]]
                self._result = struct.pack(f"<{len(crcs)}I", *crcs)
            case Mode.FETCH:
                self._result = bytes(model.points(inputs)[run.point])
                return Status.STOPPED
            case Mode.PROFILE:
                rows = model.op_times(inputs)
                if rows is None:
                    raise InferenceError("nothing here tells the time of single ops")
                self._result = b"".join(row.pack() for row in rows)
            case Mode.SELFTEST:
                return model.selftest()
        return Status.OK

    def _read(self, payload: bytes) -> bytes:
        self._need(payload, Read.FORM.size)
        try:
            read = Read.unpack(payload)
        except MessageError as exc:
            raise _RefusalError(Refusal.OUT_OF_RANGE) from exc
        if read.item is Item.TIMES and not self._model.ticks_hz:
            raise _RefusalError(Refusal.OUT_OF_RANGE)
        if read.run == 0 or read.run != self._fresh_run:
            raise _RefusalError(Refusal.NOT_AVAILABLE, self._fresh_run)
        data = self._read_item(read.item)
        if data is None:
            raise _RefusalError(Refusal.NOT_AVAILABLE, self._fresh_run)
        if read.length > self._max_payload - Read.FORM.size or read.offset + read.length > len(data):
            raise _RefusalError(Refusal.OUT_OF_RANGE, len(data))
        return read.pack() + data[read.offset : read.offset + read.length]

    def _read_item(self, item: Item) -> bytes | None:
        match item:
            case Item.OUTPUT:
                return self._outputs
            case Item.RESULT:
                return self._result
            case Item.TIMES:
                return struct.pack(f"<{len(self._ticks)}I", *self._ticks)
