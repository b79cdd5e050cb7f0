"""What a question asks for, before anything is searched.

Open `question.py` first: it analyses a question once, by its type, its parts, its language and the
relations it asks for. `conversation.py` completes a follow-up with its subject.
"""
