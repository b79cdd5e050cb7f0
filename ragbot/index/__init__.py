"""The index: one SQLite database, and a Chroma collection derived from it.

Open `index.py` first: it refreshes the index and opens snapshots of it. `schema.py` declares
the tables, `indexer.py` writes them, `corpus.py` reads them.
"""
