"""Find the passages that may answer a question, best first, each with its evidence.

Open `retriever.py` first: it calls the steps in their order. `first_stage.py` scores notes by
meaning, words and names, `expansion.py` follows their links, `late_interaction.py` compares words.
"""
