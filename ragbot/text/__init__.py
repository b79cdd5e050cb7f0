"""Words, sentences, names, dates and languages of plain text, in any script.

Open `tokenize.py` first: what search sees of a text.
"""
