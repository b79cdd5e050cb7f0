"""Hits to an answer: each statement quotes a note, or the answer says that the notes are silent.

Open `answer.py` first: it chooses the form of the answer and calls the rest. `sentence_ranker.py`
ranks sentences, `relation_answers.py` answers from relations, `llm_answer.py` lets a language model
write, and `grounding.py` checks every quote.
"""
