"""Measure ragbot on sets of questions with known answers.

Open `retrieval.py` first, which measures retrieval; `answers.py` measures answers.
"""
