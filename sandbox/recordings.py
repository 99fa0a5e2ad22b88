"""Recordings and transcriptions of calls: not there at first, then a file that stays."""

from __future__ import annotations

import struct
from typing import Any

from sandbox.refusal import missing, not_found
from sandbox.route import Call, Raw, Route, get
from sandbox.state import Record

RATE = 8000
SENTENCE = 2.5


def wave(seconds: float) -> bytes:
    """Silence of that length as a WAV file: 8 bit, one channel, 8,000 samples a second."""
    data = b"\x80" * int(seconds * RATE)
    form = struct.pack("<HHIIHH", 1, 1, RATE, RATE, 1, 8)
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _message(call: Call) -> Record:
    message = call.record("messages", "messageId")
    if message["locationId"] != call.path["locationId"]:
        raise missing("Message", message["id"])
    return message


def _recording(call: Call) -> Raw:
    message = _message(call)
    seconds = message.get("recording")
    if not seconds:
        raise not_found(f"No recording found for message {message['id']}")
    name = {"Content-Disposition": f'attachment; filename="{message["id"]}.wav"'}
    return Raw(wave(seconds), "audio/x-wav", name)


def _sentences(call: Call) -> list[str]:
    message = _message(call)
    sentences: list[str] | None = message.get("transcription")
    if not sentences:
        raise not_found(f"No transcription found for message {message['id']}")
    return sentences


def _transcription(call: Call) -> Any:
    told = [
        {
            "mediaChannel": 1 + number % 2,
            "sentenceIndex": number,
            "startTime": number * SENTENCE,
            "endTime": (number + 1) * SENTENCE,
            "transcript": sentence,
            "confidence": 0.98,
        }
        for number, sentence in enumerate(_sentences(call))
    ]
    return told[0] if call.state.documented else told


def _download(call: Call) -> Raw:
    text = "".join(f"{sentence}\n" for sentence in _sentences(call))
    name = {"Content-Disposition": f'attachment; filename="{call.path["messageId"]}.txt"'}
    return Raw(text.encode(), "text/plain; charset=utf-8", name)


GET: dict[str, Any] = {"version": "2021-04-15", "scope": "conversations/message.readonly"}
ROUTES: tuple[Route, ...] = (
    get("/conversations/messages/{messageId}/locations/{locationId}/recording", _recording, **GET),
    get("/conversations/locations/{locationId}/messages/{messageId}/transcription", _transcription, **GET),
    get("/conversations/locations/{locationId}/messages/{messageId}/transcription/download", _download, **GET),
)
