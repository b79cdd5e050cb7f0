"""The interfaces through which people and programs ask a `Ragbot`.

Open `cli/program.py` for the command line, and `web/server.py` for the page and the HTTP routes.
`mcp.py` serves assistants, `llamaindex.py` is a retriever for LlamaIndex, and `serialize.py`
defines the JSON that all of them share.
"""
