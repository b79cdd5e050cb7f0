"""An encoder that a running chat lends: the same vectors, to its owner alone, never waited for."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path

import numpy as np
import pytest

from ragbot.inference import lending
from ragbot.inference.lending import WORD, Borrowed, lent
from tests.word_encoder import WordEncoder

# What fails in a thread of the lender would stand on the terminal of a chat.
pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")

ROOT = Path(__file__).resolve().parents[2]


class Warm(WordEncoder):
    """An encoder that is loaded."""

    def encode(self, texts, *, progress=None):
        return np.array([self.encode_query(text) for text in texts], np.float32)


class Cold(Warm):
    """An encoder that is loaded when it is told to, or when it has to work."""

    loaded = False

    def load(self):
        self.loaded = True
        return self

    def encode_question(self, text):
        return super(Cold, self.load()).encode_question(text)

    def encode(self, texts, *, progress=None):
        return super(Cold, self.load()).encode(texts)


class Slow(Warm):
    """An encoder that has an answer when nobody waits for it any more."""

    def __init__(self):
        super().__init__()
        self.asked, self.go_on = [], threading.Event()

    def encode_question(self, text):
        self.asked.append(text)
        self.go_on.wait(60)
        return super().encode_question(text)


class Failing(Warm):
    def encode_question(self, text):
        raise RuntimeError("out of memory")


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Whoever answers has time to: other programs may be using the processor."""
    monkeypatch.setattr(lending, "PATIENCE", 60)


def assert_same(one, other):
    assert np.array_equal(one.vector, other.vector)
    assert np.array_equal(one.words.vectors, other.words.vectors)
    assert one.words.spans == other.words.spans


def test_a_borrowed_encoder_gives_the_same_vectors_and_loads_nothing(tmp_path):
    own = Cold()
    with lent(Warm(), tmp_path):
        borrowed = Borrowed(own, tmp_path)
        borrowed.load()
        assert borrowed.loaded
        for question in ["warm water", "Wörter, überall?", "x" * 2000]:
            assert_same(borrowed.encode_question(question), Warm().encode_question(question))
        texts = ["one sentence", "another sentence"]
        assert np.array_equal(borrowed.encode(texts), Warm().encode(texts))
        assert borrowed.encode([]).shape == (0, own.identity.dimension)
    assert not own.loaded


def test_a_question_without_words_has_none_either_way(tmp_path):
    class Whole(Warm):
        def encode_question(self, text):
            told = super().encode_question(text)
            return type(told)(told.vector, type(told.words)(told.words.vectors[:0], ()))

    with lent(Whole(), tmp_path):
        told = Borrowed(Cold(), tmp_path).encode_question("warm water")
    assert told.words.vectors.shape == (0, told.vector.size)
    assert told.words.spans == ()


def test_many_may_ask_at_once(tmp_path):
    questions = [f"question {number}" for number in range(40)]
    own, found = Cold(), {}
    with lent(Warm(), tmp_path):
        borrowed = Borrowed(own, tmp_path)
        threads = [
            threading.Thread(target=lambda q=q: found.update({q: borrowed.encode_question(q)}))
            for q in questions
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for question in questions:
        assert_same(found[question], Warm().encode_question(question))


def nobody(folder):
    pass


def a_dead_chat(folder):
    with lent(Warm(), folder):
        said = (folder / WORD).read_text(encoding="utf-8")
    (folder / WORD).write_text(said, encoding="utf-8")


def nonsense(folder):
    (folder / WORD).write_text("[1, 2", encoding="utf-8")


def another_shape(folder):
    (folder / WORD).write_text('{"at": 7, "key": "no hex"}', encoding="utf-8")


def a_folder(folder):
    (folder / WORD).mkdir()


@pytest.mark.parametrize("left", [nobody, a_dead_chat, nonsense, another_shape, a_folder])
def test_where_nobody_answers_the_own_encoder_does_without_a_word(tmp_path, left, capfd):
    left(tmp_path)
    own = Cold()
    borrowed = Borrowed(own, tmp_path)
    assert not borrowed.loaded
    borrowed.load()
    assert own.loaded
    assert borrowed.loaded
    assert_same(borrowed.encode_question("warm water"), Warm().encode_question("warm water"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "lender",
    [
        pytest.param(Warm(seed=1), id="other-weights"),
        pytest.param(Cold(), id="still-loading"),
        pytest.param(Failing(), id="failing"),
    ],
)
def test_a_lender_that_will_not_do_is_not_waited_for(tmp_path, lender, capfd):
    own = Cold()
    with lent(lender, tmp_path):
        told = Borrowed(own, tmp_path).encode_question("warm water")
    assert own.loaded
    assert_same(told, Warm().encode_question("warm water"))
    assert capfd.readouterr() == ("", "")


def test_a_slow_lender_is_not_waited_for_nor_asked_again(tmp_path, monkeypatch):
    monkeypatch.setattr(lending, "PATIENCE", 0.5)
    own, slow = Cold(), Slow()
    with lent(slow, tmp_path):
        borrowed = Borrowed(own, tmp_path)
        told = borrowed.encode_question("warm water")
        borrowed.encode_question("warm water again")
        assert own.loaded
        assert len(slow.asked) <= 1
        slow.go_on.set()
    assert_same(told, Warm().encode_question("warm water"))


def test_another_version_is_not_asked(tmp_path, monkeypatch):
    own = Cold()
    with lent(Warm(), tmp_path):
        monkeypatch.setattr(lending, "__version__", "0.0.1")
        message = json.dumps({"of": lending._stamp(own), "question": "warm"})
        monkeypatch.undo()
        with pytest.raises(EOFError):
            lending._exchange(tmp_path / WORD, message, own.identity.dimension)


def test_a_chat_that_goes_is_replaced(tmp_path):
    own = Cold()
    with lent(Warm(), tmp_path):
        borrowed = Borrowed(own, tmp_path)
        borrowed.encode_question("warm water")
        assert not own.loaded
    assert_same(borrowed.encode_question("cold"), Warm().encode_question("cold"))
    assert own.loaded


def test_only_the_owner_may_ask(tmp_path):
    with lent(Warm(), tmp_path):
        word = tmp_path / WORD
        said = json.loads(word.read_text(encoding="utf-8"))
        assert word.stat().st_mode & 0o777 == 0o600
        assert Path(said["at"]).parent.stat().st_mode & 0o777 == 0o700
        with pytest.raises(AuthenticationError):
            Client(said["at"], authkey=b"guessed")
        with knock(tmp_path) as asking:
            asking.recv_bytes()
            asking.send_bytes(json.dumps({"question": "without proof"}).encode())
            assert asking.recv_bytes() == b"#FAILURE#"
        # Who was refused, or hung up, keeps nobody else out.
        with socket.socket(socket.AF_UNIX) as rude:
            rude.connect(said["at"])
        own = Cold()
        Borrowed(own, tmp_path).load()
        assert not own.loaded


def test_the_word_of_another_user_is_not_believed(tmp_path, monkeypatch):
    own = Cold()
    with lent(Warm(), tmp_path):
        monkeypatch.setattr(os, "getuid", lambda: (tmp_path / WORD).stat().st_uid + 1)
        Borrowed(own, tmp_path).load()
    assert own.loaded


def knock(folder):
    """Connect, and say nothing."""
    return Client(json.loads((folder / WORD).read_text(encoding="utf-8"))["at"])


def test_one_who_never_proves_the_key_holds_up_nobody(tmp_path):
    own = Cold()
    with lent(Warm(), tmp_path), knock(tmp_path):
        Borrowed(own, tmp_path).load()
    assert not own.loaded


def test_one_who_never_proves_the_key_does_not_keep_a_chat_from_ending(tmp_path):
    silent = []

    def chat():
        with lent(Warm(), tmp_path):
            silent.append(knock(tmp_path))

    ending = threading.Thread(target=chat, daemon=True)
    ending.start()
    ending.join(60)
    assert not ending.is_alive()
    silent[0].close()


def test_a_socket_in_the_folder_of_another_user_is_not_believed(tmp_path, monkeypatch):
    own, there = Cold(), os.getuid()
    with lent(Warm(), tmp_path):
        folder = Path(json.loads((tmp_path / WORD).read_text(encoding="utf-8"))["at"]).parent
        lstat = Path.lstat

        def of_another(path):
            found = lstat(path)
            return os.stat_result((*found[:4], there + 1, *found[5:])) if path == folder else found

        monkeypatch.setattr(Path, "lstat", of_another)
        Borrowed(own, tmp_path).load()
    assert own.loaded


def test_an_index_that_is_still_to_be_built_is_lent_for(tmp_path):
    own = Cold()
    with lent(Warm(), tmp_path / "new" / "index"):
        Borrowed(own, tmp_path / "new" / "index").load()
    assert not own.loaded


@pytest.mark.parametrize(
    "message",
    [b"", b"\xff", b"[]", b"{}", b'{"of": 1}', b'{"of": "STAMP"}', b'{"of": "STAMP", "texts": 3}'],
)
def test_a_message_that_is_none_is_met_by_hanging_up(tmp_path, message, capfd):
    stamp = json.dumps(lending._stamp(Warm())).encode()
    with lent(Warm(), tmp_path):
        said = json.loads((tmp_path / WORD).read_text(encoding="utf-8"))
        with Client(said["at"], authkey=bytes.fromhex(said["key"])) as asking:
            asking.send_bytes(message.replace(b'"STAMP"', stamp))
            with pytest.raises(EOFError):
                asking.recv_bytes()
        own = Cold()
        Borrowed(own, tmp_path).load()
        assert not own.loaded
    assert capfd.readouterr() == ("", "")


def test_the_word_is_taken_back_unless_another_chat_left_its_own(tmp_path):
    with lent(Warm(), tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
    first = lent(Warm(), tmp_path)
    first.__enter__()
    with lent(Warm(), tmp_path):
        first.__exit__(None, None, None)
        own = Cold()
        Borrowed(own, tmp_path).load()
        assert not own.loaded


def test_a_folder_that_cannot_be_written_lends_nothing(tmp_path):
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")
    with lent(Warm(), file):
        own = Cold()
        Borrowed(own, file).load()
    assert own.loaded


def threads_of_lending():
    return [t for t in threading.enumerate() if getattr(t, "_target", None) is not None
            and "_Lender" in getattr(t._target, "__qualname__", "")]  # fmt: skip


def test_nothing_runs_on_after_it_was_closed(tmp_path):
    with lent(Warm(), tmp_path):
        Borrowed(Cold(), tmp_path).load()
        assert threads_of_lending()
    end = time.monotonic() + 60
    while threads_of_lending() and time.monotonic() < end:
        time.sleep(0.05)
    assert threads_of_lending() == []


PROGRAM = """
import sys
from ragbot.apps.cli import main
code = main(sys.argv[1:])
print("loaded torch" if "torch" in sys.modules else "no torch", file=sys.stderr)
sys.exit(code)
"""


def ask_alone(plot, index):
    words = ["ask", "What causes late blight?", "--notes", str(plot), "--index", str(index)]
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        capture_output=True, text=True, encoding="utf-8", cwd=ROOT, timeout=200,
    )  # fmt: skip


@pytest.fixture
def chat(plot, plot_index):
    """A chat with a login on the small vault, its encoder loaded."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    places = ["--notes", str(plot), "--index", str(plot_index)]
    server = subprocess.Popen(
        [sys.executable, "-m", "ragbot", "chat", "--port", str(port), "--auth", "me:secret",
         *places],
        stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert re.match("The chat is open", server.stderr.readline())
    own = lending.Encoder()
    end = time.monotonic() + 120
    while not Borrowed(own, plot_index)._asked(question="ready"):
        assert time.monotonic() < end
        assert server.poll() is None
        time.sleep(0.5)
    yield server
    server.kill()
    server.wait()


@pytest.mark.slow
def test_a_command_asks_the_chat_and_does_without_it(plot, plot_index, chat):
    with_chat = ask_alone(plot, plot_index)
    assert with_chat.returncode == 0, with_chat.stderr
    assert with_chat.stderr == "no torch\n"
    assert "water mould" in with_chat.stdout
    os.kill(chat.pid, signal.SIGSTOP)
    stopped = ask_alone(plot, plot_index)
    os.kill(chat.pid, signal.SIGKILL)
    chat.wait()
    assert (plot_index / WORD).exists()
    killed = ask_alone(plot, plot_index)
    for alone in (stopped, killed):
        assert (alone.returncode, alone.stderr) == (0, "loaded torch\n")
        assert alone.stdout == with_chat.stdout
