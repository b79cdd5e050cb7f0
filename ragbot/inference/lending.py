"""An encoder that is loaded, lent to other processes of the same user.

Loading an encoder takes seconds, encoding a question some milliseconds. So a chat that runs leaves
word in the folder of its index where it can be asked, and a command asks it. Where nobody answers,
the command loads its own, and nothing is said.

Who may ask: the socket lies in a folder of the user alone, and both ends prove that they know a
key, which stands in a file that the user alone can read. What passes between them are texts and
numbers, nothing that could run.

Floor 2: sockets and threads around an `Encoder`.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import AuthenticationError
from multiprocessing.connection import (
    Client,
    Connection,
    Listener,
    answer_challenge,
    deliver_challenge,
)
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import numpy as np

from ragbot import __version__
from ragbot.errors import RagbotError
from ragbot.inference.coming import Coming
from ragbot.inference.encoder import Encoder, EncoderIdentity, FloatArray
from ragbot.inference.token_codes import Encoded, EncodedQuestion, TokenVectors
from ragbot.models import Span

WORD = "lent.json"
"""The file that says where, and with which key, the encoder of an index can be asked."""

PATIENCE = 1.0
"""Seconds that are waited for an answer; loading an encoder takes some times that."""

_LONGEST, _QUEUE = 2**22, 16
# An assertion is what Python 3.11 meets a peer with that speaks otherwise.
_FAILED = (
    OSError, EOFError, AuthenticationError, AssertionError, ValueError, KeyError, TypeError
)  # fmt: skip

Told = tuple[FloatArray, list[Span]]
"""Rows of vectors, and where in a question those after the first stand."""


@contextmanager
def lent(encoder: Encoder, directory: Path) -> Iterator[None]:
    """Lend an encoder, once it is loaded, to whoever uses the same index.

    Parameters
    ----------
    encoder
        Safe to share between threads.
    directory
        Of the index; made when missing. Where it cannot be written, nothing is lent.
    """
    try:
        lender = _Lender(encoder, directory / WORD)
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lender.close()


class Borrowed(Encoder):
    """An encoder that has its questions encoded by another process, as long as that answers.

    Parameters
    ----------
    own
        Encodes passages, and everything where nobody answers in time or with the same vectors.
    directory
        Of the index.
    """

    def __init__(self, own: Encoder, directory: Path) -> None:
        super().__init__()
        self._own = own
        self._word = directory / WORD
        self._answered = self._alone = False

    @property
    def loaded(self) -> bool:
        """Whether a question can be encoded without waiting for the model."""
        return self._own.loaded or (self._answered and not self._alone)

    @property
    def identity(self) -> EncoderIdentity:
        """What the vectors of this encoder can be compared with."""
        return self._own.identity

    def load(self) -> Any:
        """Find who answers; load the model if nobody does."""
        return self._asked(question="ready") or self._own.load()

    def encode_question(self, text: str) -> EncodedQuestion:
        """Encode a question as a whole and word by word."""
        told = self._asked(question=text)
        if told is None:
            return self._own.encode_question(text)
        (vector, *_), spans = told
        return EncodedQuestion(vector, TokenVectors(told[0][1:], tuple(spans)))

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None
    ) -> FloatArray:
        """Encode sentences; see `Encoder.encode`."""
        told = self._asked(texts=list(texts))
        return self._own.encode(texts, progress=progress) if told is None else told[0]

    def passages(self, texts: Sequence[str]) -> Coming[Encoded]:
        """Encode passages, here."""
        return self._own.passages(texts)

    def _asked(self, **wanted: object) -> Told | None:
        """Ask who lends; once it has not answered, it is asked no more."""
        if self._alone:
            return None
        message = json.dumps({"of": _stamp(self._own), **wanted})
        # To know itself, a model that is not ours had to be loaded; then it is as warm as another.
        if self._own.loaded:
            return None
        told = _in_time(partial(_exchange, self._word, message, self.identity.dimension))
        self._answered, self._alone = told is not None, told is None
        return told


class _Lender:
    """Answers, in threads of its own, what others want encoded."""

    def __init__(self, encoder: Encoder, word: Path) -> None:
        self._encoder = encoder
        self._word = word
        self._key = secrets.token_bytes(32)
        self._listener = Listener(backlog=_QUEUE)
        self._at = self._listener.address
        self._ended = threading.Event()
        self._said = json.dumps({"at": self._at, "key": self._key.hex()})
        try:
            # A first build makes the folder too, perhaps later.
            word.parent.mkdir(parents=True, exist_ok=True)
            _write_privately(word, self._said)
        except OSError:
            self._listener.close()
            raise
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Take the word back, unless another chat has left its own since."""
        with suppress(OSError):
            if self._word.read_text(encoding="utf-8") == self._said:
                self._word.unlink()
        self._ended.set()
        # The thread wakes when somebody knocks. It closes the listener, lest a knock be waited for.
        with suppress(*_FAILED):
            Client(self._at).close()

    def _listen(self) -> None:
        with self._listener:
            while not self._ended.is_set():
                try:
                    asking = self._listener.accept()
                except OSError:
                    self._ended.wait(0.05)  # keeps a broken socket from racing
                    continue
                threading.Thread(target=self._answer, args=(asking,), daemon=True).start()

    def _answer(self, asking: Connection) -> None:
        # A question that cannot be answered is met by hanging up: who asks has an encoder too.
        # What torch raises is a RuntimeError.
        with asking, suppress(*_FAILED, RagbotError, RuntimeError):
            # The proof is asked for here, where one who never gives it holds up nobody else.
            deliver_challenge(asking, self._key)
            answer_challenge(asking, self._key)
            wanted = json.loads(asking.recv_bytes(_LONGEST))
            if self._encoder.loaded and wanted["of"] == _stamp(self._encoder):
                rows, spans = self._encoded(wanted)
                asking.send_bytes(json.dumps(spans).encode())
                asking.send_bytes(rows.astype("<f4").tobytes())

    def _encoded(self, wanted: dict[str, Any]) -> Told:
        if "texts" in wanted:
            return self._encoder.encode(wanted["texts"]), []
        told = self._encoder.encode_question(wanted["question"])
        return np.vstack([told.vector, told.words.vectors]), list(told.words.spans)


def _stamp(encoder: Encoder) -> str:
    """Name what must be the same at both ends."""
    return f"{__version__} {encoder.identity}"


def _exchange(word: Path, message: str, dimension: int) -> Told:
    with word.open(encoding="utf-8") as file:
        _check_owner(file.fileno())
        said = json.loads(file.read())
    # After a chat was killed, another user could listen where it did, and pass on to it what a
    # second command proves.
    _check_owner(Path(said["at"]).parent)
    with Client(said["at"], authkey=bytes.fromhex(said["key"])) as lender:
        lender.send_bytes(message.encode())
        spans = [(int(first), int(last)) for first, last in json.loads(lender.recv_bytes())]
        rows = np.frombuffer(lender.recv_bytes(), "<f4").reshape(-1, dimension)
    return rows.astype(np.float32), spans


def _check_owner(place: Path | int) -> None:
    """Refuse a folder, or an open file, of another user, where users are told apart."""
    if hasattr(os, "getuid"):
        found = os.fstat(place) if isinstance(place, int) else place.lstat()
        if found.st_uid != os.getuid():
            raise PermissionError(f"{place} is of another user")


def _in_time(ask: Callable[[], Told]) -> Told | None:
    """Do it within `PATIENCE`; None if it fails or takes longer."""
    results: Queue[Told | None] = Queue()

    def run() -> None:
        try:
            results.put(ask())
        except _FAILED:
            results.put(None)

    # A thread, since a process that was stopped answers neither yes nor no.
    threading.Thread(target=run, daemon=True).start()
    try:
        return results.get(timeout=PATIENCE)
    except Empty:
        return None


def _write_privately(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, in one step."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        new.unlink()
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)
    new.replace(path)
