"""Passages become an answer: looked up, quoted, or written by a model and verified.

Open `answer.py` first; it calls the others in order.
"""
