"""Sets of questions with known answers, and how well ragbot does on them.

Open `retrieval.py` first, which measures what is found; `answers.py` measures what is said.
"""
