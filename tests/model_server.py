"""An OpenAI-compatible server on loopback, scripted: it says what a test tells it to say."""

import json
import struct
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SO_LINGER, SOL_SOCKET


class Script:
    """What the server does with each request, and the requests it got.

    `says` is the text, or a function of the request's JSON that gives it. `status`
    other than 200 refuses; `dies_after` breaks the connection after so many pieces;
    `waits` sleeps that many seconds before the first piece, `pause` after each.
    """

    def __init__(self, says="", *, status=200, dies_after=None, waits=0.0, pause=0.0):
        self.says, self.status, self.dies_after, self.waits = says, status, dies_after, waits
        self.pause = pause
        self.requests = []
        self.broken_off = threading.Event()


@contextmanager
def serving(script):
    """Serve a script; gives the base URL."""
    handler = type("Handler", (ScriptedHandler,), {"told": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class ScriptedHandler(BaseHTTPRequestHandler):
    told = Script()

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.told.requests.append(body)
        if self.told.status != 200:
            self._refuse()
            return
        time.sleep(self.told.waits)
        text = self.told.says(body) if callable(self.told.says) else self.told.says
        try:
            self._stream(text)
        except (BrokenPipeError, ConnectionResetError):
            self.told.broken_off.set()

    def _refuse(self):
        content = json.dumps({"error": {"message": "secret-key-123", "type": "x"}}).encode()
        self.send_response(self.told.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, text):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for number, at in enumerate(range(0, len(text), 7)):
            if number == self.told.dies_after:
                self.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return
            self._event({"content": text[at : at + 7]}, None)
            time.sleep(self.told.pause)
        self._event({}, "stop")
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, delta, reason):
        choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": reason}
        chunk = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "scripted"}
        self.wfile.write(b"data: " + json.dumps({**chunk, "choices": [choice]}).encode() + b"\n\n")
        self.wfile.flush()

    def log_message(self, *_):
        pass
