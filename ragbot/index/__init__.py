"""The index: one SQLite database, and a Chroma collection that copies its vectors.

Open `index.py` first: it refreshes the index and opens snapshots of it. `schema.py` declares
the tables, `indexer.py` writes them, `corpus.py` reads them.
"""
