"""Analyse a question: follow-ups, parts, types, languages, and look-ups in the notes' structure.

Open `question.py` first: retrieval and answers read its `Question`.
"""
