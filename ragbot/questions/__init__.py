"""Analyse a question: follow-ups, parts, types, languages, and questions that structure answers.

Open `question.py` first: its `Question` is what retrieval and answers read.
"""
