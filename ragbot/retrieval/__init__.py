"""Question to hits: first stage, expansion along links and names, late interaction, filters.

Open `retriever.py` first.
"""
