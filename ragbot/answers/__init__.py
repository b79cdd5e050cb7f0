"""Make an answer from passages: looked up, quoted, or written by a model and verified.

Open `answer.py` first: it calls the other modules in order.
"""
