"""A scripted model server on loopback: OpenAI's chat completions and model list, Ollama's too."""

import json
import struct
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SO_LINGER, SOL_SOCKET


class Script:
    """What the server does with each request, and the requests it got.

    `says` is the text, or a function of the request's JSON that returns it. `status`
    other than 200 refuses; `dies_after` breaks the connection after so many pieces;
    `waits` sleeps that many seconds before the first piece, `pause` after each.
    `models` are the names that it lists.
    """

    def __init__(self, says="", *, status=200, dies_after=None, waits=0.0, pause=0.0, models=()):
        self.says, self.status, self.dies_after, self.waits = says, status, dies_after, waits
        self.pause, self.models = pause, models
        self.requests = []
        self.asked, self.broken_off = threading.Event(), threading.Event()


@contextmanager
def serving(script):
    """Serve a script and yield the base URL."""
    handler = type("Handler", (ScriptedHandler,), {"script": script})
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
    script = Script()

    def do_GET(self):
        names = self.script.models
        if self.path == "/api/tags":
            self._json({"models": [{"name": name} for name in names]})
        else:
            self._json({"data": [{"id": name} for name in names]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.script.requests.append(body)
        self.script.asked.set()
        if self.script.status != 200:
            self._json({"error": {"message": "secret-key-123", "type": "x"}}, self.script.status)
            return
        time.sleep(self.script.waits)
        text = self.script.says(body) if callable(self.script.says) else self.script.says
        try:
            self._stream(text, ollama=self.path == "/api/chat")
        except (BrokenPipeError, ConnectionResetError):
            self.script.broken_off.set()

    def _json(self, value, status=200):
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, text, ollama):
        self.send_response(200)
        kind = "application/x-ndjson" if ollama else "text/event-stream"
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        self.end_headers()
        write = self._line if ollama else self._event
        for number, at in enumerate(range(0, len(text), 7)):
            if number == self.script.dies_after:
                self.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return
            write(text[at : at + 7], False)
            time.sleep(self.script.pause)
        write("", True)

    def _line(self, text, done):
        message = {"role": "assistant", "content": text}
        self._send(json.dumps({"model": "scripted", "message": message, "done": done}) + "\n")

    def _event(self, text, done):
        delta = {"role": "assistant"} | ({"content": text} if text else {})
        choice = {"index": 0, "delta": delta, "finish_reason": "stop" if done else None}
        chunk = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "scripted"}
        self._send(f"data: {json.dumps({**chunk, 'choices': [choice]})}\n\n")
        if done:
            self._send("data: [DONE]\n\n")

    def _send(self, text):
        self.wfile.write(text.encode())
        self.wfile.flush()

    def log_message(self, *_):
        pass
