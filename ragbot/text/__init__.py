"""Words, sentences, names, dates and languages of plain text, in any script.

Open `tokenize.py` first: it yields the words that search compares.
"""
