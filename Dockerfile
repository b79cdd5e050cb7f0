# ragbot over a folder of notes: docs/docker.md says how to run it.
FROM python:3.11-slim

WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY ragbot ragbot
COPY notes notes
# torch first and by its exact version, as in the Makefile.
RUN pip install --no-cache-dir -c constraints.txt "$(grep '^torch==' constraints.txt)"
RUN pip install --no-cache-dir -c constraints.txt .

RUN useradd --create-home ragbot && mkdir /index && chown ragbot /index
USER ragbot
ENV RAGBOT_NOTES=/notes RAGBOT_INDEX=/index
VOLUME /index
EXPOSE 7860

# With a login the answer is 401: the server is up all the same.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s CMD ["python", "-c", "from http.client import HTTPConnection; c = HTTPConnection('127.0.0.1', 7860, timeout=5); c.request('GET', '/api/status'); exit(c.getresponse().status not in (200, 401))"]

# Add `--auth NAME:PASSWORD`, or `--no-auth` where only you can reach the port.
ENTRYPOINT ["ragbot", "chat", "--host", "0.0.0.0"]
