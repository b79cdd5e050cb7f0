"""The interfaces through which people and programs ask a `Ragbot`.

Open `cli/program.py` for the command line, and `web/server.py` for the page and the HTTP routes.
`mcp.py` serves assistants, and `llamaindex.py` is a retriever for LlamaIndex. All share the records
of `serialize.py`, and the servers share `serving.py`.
"""
