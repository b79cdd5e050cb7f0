"""Complete a follow-up with its subject, so that it can be searched by itself.

The subject is that of the earlier question, in its words, by rules and without a model. Small talk
(a greeting, thanks) is recognised here, and not searched.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ragbot.errors import QuestionError
from ragbot.index.corpus import Corpus
from ragbot.models import Answer, NoteId, Span, Turn
from ragbot.questions.language import PHRASES, SMALL_TALK, Talk, phrases
from ragbot.text.folding import fold, stem
from ragbot.text.language import COMMON_WORDS, language_of
from ragbot.text.sentences import sentences
from ragbot.text.tokenize import STOP_WORDS, content_words, is_lone, spoken_words, terms, tokens

TURNS = 6
"""Latest turns that can complete a question."""

SUBJECT_WORDS = 40
"""Most words of a subject that is added to a question."""

FEW_WORDS = 3
"""A question without a name and with fewer content words refers to the one before."""

_ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1}

_GREETING = re.compile(
    r"(hi|hiya|hello|hey|yo|good (morning|afternoon|evening)|greetings)( there| ragbot| all)?"
    r"( how are you( doing)?( today)?)?"
)
_THANKS = re.compile(
    r"((ok|okay|great|perfect|cool|nice|good|awesome)( so)? )?"
    r"(thanks|thank you|thx|cheers|ta|much appreciated)"
    r"( so much| very much| a lot| again| ragbot)*"
    r"( thats?( (helps|helped|(is )?(all|it|enough|great)|was helpful)))?"
    r"|(ok|okay|great|perfect|cool|nice|awesome|got it|i see|makes sense)"
)
_FAREWELL = re.compile(
    r"((ok|okay|thanks|well) )?"
    r"(good ?bye|bye( bye)?|see (you|ya)( later)?|good night|ciao)( ragbot)?"
)
_HELP = re.compile(
    r"help( me)?( please)?|(so )?(what|which things) (can|do) you (do|know|answer|know about)"
    r"|what (can|should|could) i ask( you)?|who are you|what are you|what is this|how do you work"
    r"|how (do|can) i use (you|this)|what are you (for|good for)"
    r"|what( is|s| are| re)( in)? (the|these|your|my) notes about|what do you know about"
)

_COUNT = re.compile(
    r"(so )?how many (notes|pages|files)( are there| do (i|we|you) have| have (i|we|you)( got)?)?"
    r"( (here|in (here|total|all)|in (my|the|this|these|our) \w+))?"
)
_BARE_WHY = re.compile(
    r"(?i)\W*(?:(?:and|but|so|ok|okay)\W+)*(?:why|how come)(?: not| so| then| is that)?\W*"
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
PASSAGES = 10
"""Passages in which words about a new subject are searched."""

_SO = re.compile(r"(?i)^\W*(?:so|then)\b")
_ONE_OF = re.compile(
    r"(?i)\b(?:the|an)(?: |)(first|second|third|fourth|fifth|last|other|same|next) ones?\b"
)
_HOW_MANY = re.compile(
    r"(?i)\W*(?:(?:and|so|ok|okay)\W+)*how many (?:(?:of (?:those|these|them)|are (?:those|these))"
    r"(?: are there)?|are there)(?: in (?:all|total))?\W*"
)
_LEFT_OUT = re.compile(
    "^(?:" + "|".join(one.rest.split("{")[0] for one in PHRASES.values()) + r")(\d+)", re.MULTILINE
)
_INSTEAD = re.compile(
    r"(?i)^\W*(?:(?:ok|okay|so|well)\W+)*(?:(?:and|or|but)\W+)?(?:(?:what|how) about|(?:and|or))\W+"
    r"(?!(?:wh\w+|how|is|are|was|were|do|does|did|can|could|if|that)\b)"
    r"(?:(?:for|in|with|of|the|an?)\W+)*[\w'’-]+(?:\W+[\w'’-]+){0,4}\W*$"
    # "Und Mais?", "Et le soja ?", "¿Y la soja?", "那豆浆呢？", "豆乳は？"
    r"|^\W*(?:und|oder|et|ou|y)\s+(?!(?:w\w+|qu\w+|où|c[oóu]\w+|d[oó]nde|ist|est|es)\b)"
    r"(?:[\w'’-]+\s*){1,4}\W*$"
    r"|^\W*(?:那么?|还有|じゃあ|では)?\w{1,8}(?:呢|は)\W*$"
)
_THAT = re.compile(
    r"(?i)\b(?:for|to|of|about|like|than|with|from|by|on|in|do|does|is|was|after|before|"
    r"explain|mean|against|at|why|how)\s+that\b(?=\s*(?:$|[?.!,;:)]|and|or|in|then|so|too))"
    r"|^\W*(?:is|was|does|did|would|could|can|will)\s+that\b"
    r"|\bof the (?:two|three|four|others)\b|\bone(?: up| out)?\W*$"
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
    """A question that can be searched by itself: `query`, completed with the subject `carried`.

    `reply` is the answer to small talk, which is not searched. `carried` is empty if the question
    is complete, `replaces_subject` is True if it only names a new subject ("And soy?"), and `shown`
    are the places that the last answer quoted, if this is a follow-up.
    """

    query: str
    reply: str = ""
    carried: str = ""
    replaces_subject: bool = False
    shown: frozenset[tuple[NoteId, Span]] = frozenset()


def checked(question: str, most: int) -> str:
    """Return a question stripped; raise `QuestionError` if it is empty, too long, or not text."""
    question = question.strip()
    try:
        question.encode()
    except UnicodeEncodeError:
        raise QuestionError("The question has characters that are not text. Send UTF-8.") from None
    # Characters that nobody sees, such as a zero-width space, ask nothing.
    if all(unicodedata.category(char)[0] in "CZ" for char in question):
        raise QuestionError("The question is empty. Ask something about the notes.")
    if len(question) > most:
        raise QuestionError(
            f"The question has {len(question):,} characters; at most {most:,} are allowed. "
            f"Shorten it, or raise RAGBOT_MAX_QUESTION."
        )
    return question


def standalone(question: str, history: Sequence[Turn], corpus: Corpus) -> Standalone:
    """Return a question completed with the subject of the conversation, whose turns are in order.

    A question that names a note of the corpus needs no earlier subject.
    """
    text = " ".join(question.split())
    talk = talk_of(text)
    if talk:
        return Standalone(text, _reply(corpus, talk, language_of(text)))
    turns = [turn for turn in history[-TURNS:] if not talk_of(turn.question)]
    if not turns or not _refers_back(text, corpus):
        return Standalone(text)
    if counted := _count(text, turns[-1]):
        return Standalone(text, counted)
    carried = _item(text, turns[-1]) or _subject(text, turns, corpus)
    shown = _cited(turns[-1])
    if _BARE_WHY.fullmatch(text) and isinstance(turns[-1].answer, Answer):
        # It asks for the reason of what the answer said, which may be in the same sentence.
        said = [statement.text for statement in turns[-1].answer.statements[:1]]
        carried = " ".join("; ".join([carried, *said]).split()[:SUBJECT_WORDS])
        shown = frozenset()
    if not carried:
        return Standalone(text)
    instead = replaces_subject(text)
    return Standalone(f"{text} ({carried})", "", carried, instead, shown)


def talk_of(message: str) -> Talk:
    """Return the kind of small talk of a message; empty for a question about the notes.

    Examples
    --------
    >>> talk_of("Hello!"), talk_of("vielen Dank"), talk_of("hello world programs in Rust")
    ('greeting', 'thanks', '')
    """
    said = " ".join(re.findall(r"\w+", fold(message.replace("'", "").replace("’", ""))))
    if said in SMALL_TALK:
        return SMALL_TALK[said]
    kinds: tuple[tuple[Talk, re.Pattern[str]], ...] = (
        ("greeting", _GREETING),
        ("thanks", _THANKS),
        ("farewell", _FAREWELL),
        ("help", _HELP),
        ("count", _COUNT),
    )
    return next((kind for kind, pattern in kinds if pattern.fullmatch(said)), "")


def replaces_subject(question: str) -> bool:
    """Check whether a follow-up only names a new subject: "And soy?", "What about peas?"."""
    return _INSTEAD.match(question) is not None


def _refers_back(question: str, corpus: Corpus) -> bool:
    """Check whether a question cannot be understood without the one before."""
    words = tokens(question)
    if not _POINTING.isdisjoint(words) or _THAT.search(question) or _ONE_OF.search(question):
        return True
    if _names(question, corpus):
        return replaces_subject(question)
    content = [word for word in words if word not in STOP_WORDS]
    if (
        _OPENING.match(question)
        or replaces_subject(question)
        or (_SO.match(question) and len(content) <= FEW_WORDS)
    ):
        return True
    return len(content) < FEW_WORDS and not _is_whole(question)


def _is_whole(question: str) -> bool:
    """Check whether a question has both a word that asks and a subject."""
    return _ASKING.match(question) is not None and any(
        word not in STOP_WORDS for word in tokens(question)
    )


def _count(question: str, turn: Turn) -> str:
    """Return how many items the last answer lists, if "how many of those?" asks for it."""
    items = _items(turn) if _HOW_MANY.fullmatch(question) else []
    if len(items) < 2 or not isinstance(turn.answer, Answer):
        return ""
    left_out = _LEFT_OUT.search(turn.answer.text)
    of_all = f" of {len(items) + int(left_out.group(1))}" if left_out else ""
    return f"The last answer lists {len(items)}{of_all}."


def _items(turn: Turn) -> list[str]:
    answer = turn.answer
    if not isinstance(answer, Answer):
        return []
    return [statement.text for statement in answer.statements if statement.item]


def _item(question: str, turn: Turn) -> str:
    """Return the item of the last answer that "the second one" means."""
    asked = _ONE_OF.search(question)
    if not asked:
        return ""
    items = _items(turn)
    place = _ORDINALS.get(asked.group(1).lower())
    if place is None or not -len(items) <= place < len(items):
        return ""
    return " ".join(items[place].split()[:SUBJECT_WORDS])


def _subject(question: str, turns: Sequence[Turn], corpus: Corpus) -> str:
    """Return the subject of the last question, and of the questions that it referred to.

    "And soy?" replaces a subject. If the question before was such a one too ("what about peas?"),
    its words are skipped. The words of a longer question are kept, without the names of notes if
    soy is a note.
    """
    instead = replaces_subject(question)
    about = [name for turn in turns for name in _names(turn.question, corpus)]
    if not instead and about and not _POINTING.isdisjoint(tokens(question)):
        # "it" in "Who translated it?" refers to the note named before, not to the whole question.
        return about[-1]
    named = instead and bool(_names(question, corpus))
    # "So what's the remedy?" asks something new about the same subject; "since when?" continues
    # the last question.
    other = not instead and _is_whole(question)
    parts: list[str] = []
    for place, turn in reversed(list(enumerate(turns))):
        asked = turn.question
        if instead and replaces_subject(asked):
            continue
        complete = place == 0 or not _refers_back(asked, corpus)
        if complete or not other:
            parts.insert(0, _topic(_without_names(asked, corpus) if named else asked))
        if complete or named:
            break
    words = "; ".join(dict.fromkeys(part for part in parts if part)).split()
    if instead and not named:
        words = _said_with(question, words, corpus)
    return " ".join(words[:SUBJECT_WORDS])


def _said_with(question: str, words: Sequence[str], corpus: Corpus) -> list[str]:
    """Return the words that the notes use with a new subject; all words if they use none.

    After "what does oat milk cost", "and almond?" is about milk and cost: the sentences with
    "almond" have these words, but not "oat".
    """
    common = COMMON_WORDS.get(language_of(" ".join(words)), frozenset())
    new = {stem(word) for word in terms(question) if word not in common}
    # Chinese has no blanks between words.
    words = [one for word in words for one in (_characters(word) or [word])]
    topic = {stem(word) for text in words for word in terms(text)}
    scores = corpus.bm25(tokens(question))
    said: set[str] = set()
    for number in sorted(scores, key=lambda one: -scores[one])[:PASSAGES]:
        text = corpus.passage(number).text
        for start, end in sentences(text):
            here = {stem(word) for word in (*tokens(text[start:end]), *terms(text[start:end]))}
            said |= here if new <= here and topic & here else set()
    kept = [word for word in words if {stem(one) for one in terms(word)} <= said]
    return kept or list(words)


def _characters(word: str) -> list[str]:
    """Return the characters that carry the subject of Chinese text; empty for other text."""
    found = terms(word)
    return found if all(map(is_lone, found)) else []


def _without_names(question: str, corpus: Corpus) -> str:
    for name in reversed(corpus.names_in(spoken_words(question))):
        question = question[: name.span[0]] + question[name.span[1] :]
    return question


def _topic(question: str) -> str:
    """Return a question without the words that only ask.

    >>> _topic("Tell me about Uni-Versum?"), _topic("what is it")
    ('Uni-Versum', '')
    """
    text = _ASKING.sub("", " ".join(question.split()), count=1).strip(" ?.!,;:")
    text = re.sub(r"(?i)^(?:the|an?)\s+", "", text)
    content = [word for word in content_words(text) if word not in STOP_WORDS]
    return text if content else ""


def _names(question: str, corpus: Corpus) -> list[str]:
    spotted = corpus.names_in(spoken_words(question))
    return [name.name for name in spotted if name.rarity > 0.25 or " " in name.name]


def _cited(turn: Turn) -> frozenset[tuple[NoteId, Span]]:
    if not isinstance(turn.answer, Answer):
        return frozenset()
    return frozenset((citation.note, citation.span) for citation in turn.answer.citations)


def _reply(corpus: Corpus, talk: Talk, language: str) -> str:
    said = phrases(language)
    text: str = getattr(said, talk).format(count=len(corpus.notes))
    first = starters(corpus, 1, language)
    if first and talk in ("greeting", "help"):
        text += " " + said.example.format(question=f"*{first[0]}*")
    return text


def starters(corpus: Corpus, most: int = 3, language: str = "en") -> tuple[str, ...]:
    """Return questions to begin with, about the notes with the most links to them."""
    titles = [corpus.notes[note].title for note in corpus.graph.hubs(most)]
    return tuple(phrases(language).starter.format(title=title) for title in titles)
