"""Conversation: a question in its context becomes one that stands alone.

Without a language model the subject is carried over in words: what the earlier
question asked about, and the notes that its answer cited. What is not a
question (a greeting, thanks) is told apart here, and never searched.

Floor 4: reads a corpus for the names of its notes; pure of configuration.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ragbot.errors import QuestionError
from ragbot.index.corpus import Corpus
from ragbot.models import Answer, NoteId, Turn
from ragbot.text.tokenize import STOP_WORDS, content_words, tokens

Talk = Literal["", "greeting", "thanks", "farewell", "help"]

TURNS = 6
"""Latest turns that can matter to a question; what was said before is left out."""

SUBJECT_WORDS = 40
"""Greatest length of the subject that is carried over."""

SHORT = 3
"""Content words up to which a question without a name of its own leans on the one before."""

_GREETING = re.compile(
    r"(hi|hiya|hello|hey|yo|good (morning|afternoon|evening)|greetings)( there| ragbot| all)?"
    r"( how are you( doing)?( today)?)?"
)
_THANKS = re.compile(
    r"((ok|okay|great|perfect|cool|nice|good|awesome)( so)? )?"
    r"(thanks|thank you|thx|cheers|ta|much appreciated)"
    r"( so much| very much| a lot| again| ragbot)*( that (helps|helped|is all|was helpful))?"
    r"|(ok|okay|great|perfect|cool|nice|awesome|got it|i see|makes sense)"
)
_FAREWELL = re.compile(r"(good ?bye|bye( bye)?|see (you|ya)( later)?|good night|ciao)( ragbot)?")
_HELP = re.compile(
    r"help( me)?( please)?|(so )?(what|which things) (can|do) you (do|know|answer|know about)"
    r"|what (can|should|could) i ask( you)?|who are you|what are you|what is this|how do you work"
    r"|how (do|can) i use (you|this)|what are you (for|good for)"
    r"|what( is|s| are| re)( in)? (the|these|your|my) notes about|what do you know about"
)

_POINTING_WORDS = (
    "it its itself they them their theirs he him his she her hers these those former latter this"
)
_POINTING = frozenset(_POINTING_WORDS.split())
_OPENING = re.compile(
    r"(?i)^\W*(?:(?:ok|okay|so|well|right|hmm+|yes|no|cool|thanks|alright)\W+)*"
    r"(?:and|but|or|then|also|what about|how about|what else|anything else|any more|more|"
    r"why(?=(?: not| so| then)?\W*$)|how so|how come|like what|such as|"
    r"for example|which ones?|who else|where else|"
    r"the (?:first|second|third|last|other)s?)\b"
)
_THAT = re.compile(
    r"(?i)\b(?:for|to|of|about|like|than|with|from|by|on|in|do|does|is|was|after|before|"
    r"explain|mean|against|at|why|how)\s+that\b(?=\s*(?:$|[?.!,;:)]|and|or|in|then|so|too))"
    r"|^\W*(?:is|was|does|did|would|could|can|will)\s+that\b"
)
_ASKING = re.compile(
    r"(?i)^\W*(?:(?:ok|okay|so|well|and|but|please|hi|hello|hey)\W+)*"
    r"(?:(?:can|could|would) you (?:please )?)?"
    r"(?:tell me (?:more )?about|tell me|explain(?: to me)?|describe|define|list|show me|name|"
    r"(?:what|who|which|where|when|why|how)(?:['’]?s|['’]re| is| are| was| were| do| does| did| "
    r"can| could| would| should| has| have)?(?: you know about| i| we)?|"
    r"is|are|was|were|do|does|did|can|could|has|have|should|would)\b\s*"
)


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question that can be searched by itself.

    Attributes
    ----------
    query
        What to search: the question, with the subject that it leaves unsaid.
    subjects
        Notes that the last answer cited, best first, when its subject was carried over.
    reply
        What to say when the message is no question; it is then not searched.
    carried
        The subject carried over, in words; empty when the question stands
        alone or changes the subject.
    """

    query: str
    subjects: tuple[NoteId, ...] = ()
    reply: str = ""
    carried: str = ""


def checked(question: str, most: int) -> str:
    """Strip a question, and see that it can be asked.

    Parameters
    ----------
    most
        Characters of the longest question.

    Raises
    ------
    QuestionError
        If it is empty or too long.
    """
    question = question.strip()
    if not question:
        raise QuestionError("The question is empty. Type what you want to know of the notes.")
    if len(question) > most:
        raise QuestionError(
            f"The question has {len(question):,} characters; at most {most:,} are read. "
            f"Shorten it, or raise RAGBOT_MAX_QUESTION."
        )
    return question


def standalone(question: str, history: Sequence[Turn], corpus: Corpus) -> Standalone:
    """Complete a question by what the conversation was about.

    Parameters
    ----------
    question
        As it was typed.
    history
        Earlier turns, oldest first.
    corpus
        The notes, whose names tell a new subject from an old one.
    """
    text = " ".join(question.split())
    talk = talk_of(text)
    if talk:
        return Standalone(text, reply=_reply(corpus, talk))
    turns = [turn for turn in history[-TURNS:] if not talk_of(turn.question)]
    carried = _subject(turns, corpus) if turns and _leans(text, corpus) else ""
    if not carried:
        return Standalone(text)
    return Standalone(f"{text} ({carried})", _cited(turns[-1]), carried=carried)


def talk_of(message: str) -> Talk:
    """Tell what a message is when it is no question about the notes.

    Examples
    --------
    >>> talk_of("Hello!"), talk_of("thanks a lot"), talk_of("hello world programs in Rust")
    ('greeting', 'thanks', '')
    """
    said = " ".join(tokens(message.replace("'", "").replace("’", "")))
    kinds: tuple[tuple[Talk, re.Pattern[str]], ...] = (
        ("greeting", _GREETING),
        ("thanks", _THANKS),
        ("farewell", _FAREWELL),
        ("help", _HELP),
    )
    return next((kind for kind, pattern in kinds if pattern.fullmatch(said)), "")


def _leans(question: str, corpus: Corpus) -> bool:
    """Whether a question cannot be understood without the one before."""
    words = tokens(question)
    if not _POINTING.isdisjoint(words) or _THAT.search(question):
        return True
    if _names(question, corpus):
        return False
    told = [word for word in words if word not in STOP_WORDS]
    whole = _ASKING.match(question) is not None and bool(told)
    return bool(_OPENING.match(question)) or (len(told) < SHORT and not whole)


def _subject(turns: Sequence[Turn], corpus: Corpus) -> str:
    """Say what the last question was about, and the ones that it leaned on."""
    parts: list[str] = []
    for number in range(len(turns) - 1, -1, -1):
        asked = turns[number].question
        parts.insert(0, _topic(asked))
        if not _leans(asked, corpus):
            break
    words = "; ".join(dict.fromkeys(part for part in parts if part)).split()
    return " ".join(words[:SUBJECT_WORDS])


def _topic(question: str) -> str:
    """Give a question without the words that only ask.

    >>> _topic("Tell me about Uni-Versum?"), _topic("what is it")
    ('Uni-Versum', '')
    """
    text = _ASKING.sub("", " ".join(question.split()), count=1).strip(" ?.!,;:")
    text = re.sub(r"(?i)^(?:the|an?)\s+", "", text)
    content = [word for word in content_words(text) if word not in STOP_WORDS]
    return text if content else ""


def _names(question: str, corpus: Corpus) -> list[str]:
    spotted = corpus.names_in(question)
    return [name.name for name in spotted if name.rarity > 0.25 or " " in name.name]


def _cited(turn: Turn) -> tuple[NoteId, ...]:
    if not isinstance(turn.answer, Answer):
        return ()
    return tuple(dict.fromkeys(citation.note for citation in turn.answer.citations))


def _reply(corpus: Corpus, talk: Talk) -> str:
    first = starters(corpus, 1)
    example = f" For example: *{first[0]}*" if first else ""
    many = f"{len(corpus.notes)} notes" if len(corpus.notes) != 1 else "one note"
    if talk == "greeting":
        return f"Hello! Ask me anything about these {many}.{example}"
    if talk == "thanks":
        return "You're welcome. Ask on whenever you like."
    if talk == "farewell":
        return "Goodbye!"
    return (
        f"I answer questions from these {many}, and from nothing else. Every sentence I give "
        "quotes a note, with its place, so you can check it; when the notes don't answer, I "
        "say so. Ask what something is, why, how, how many or who; compare two things; ask "
        f"how two notes are connected, or what a note extends or contradicts.{example}"
    )


def starters(corpus: Corpus, most: int = 3) -> tuple[str, ...]:
    """Give questions to begin with: about the notes that most others link to."""
    titles = [corpus.notes[note].title for note in corpus.graph.hubs(most)]
    return tuple(f"What do the notes say about {title}?" for title in titles)
