"""The relation graph: notes and ghosts as nodes, relations as typed, directed edges.

Open `relation_graph.py` first. The only room that imports networkx.
"""
