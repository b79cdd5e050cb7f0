"""Recognise the language of a question or a vault.

Languages in Latin script are recognised by their most frequent words, others by their script. The
built-in encoder was trained on English; for a text in another language, words decide.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from ragbot.models import Span
from ragbot.text.folding import fold
from ragbot.text.tokenize import PAIRED, SCRIPTS, tokens

_COMMON = {
    "en": "a the of and to is in that it was for on are with as i at be this have from what which "
    "who how why when where does did do my can you about there not were has had by an or me "
    "should could would whose whom any we our us their his her say says tell",
    "de": "der die das und ist in den von zu mit nicht ein eine einen einem einer es im dem auf "
    "für fur auch sich wie was wer wo wann warum welche welcher welches welchen hat haben sind "
    "war wird werden ich du wir ihr mein meine meinen über uber kann habe steht gibt zum zur "
    "aus bei nach wem wen wieviel wieviele muss unser unsere "
    "gemacht getan passiert geschah geschehen",
    "fr": "le la les et est dans de du des un une que qui quoi quel quelle quels quelles où "
    "pourquoi comment quand pas pour sur avec au aux ce cette ces il elle nous vous je tu mon "
    "ma mes son sa ses sont était etait a ont se en par plus dit parle faut combien sais l d "
    "qu n j s t ai fait passé",
    "es": "el la los las y es en de del un una que qué quien quién quiénes cuál cual cuáles cuándo "
    "cuando cómo como dónde donde por para con no se su sus al lo más mas pero fue era son "
    "está esta están hay mi mis tengo tiene cuánto cuanto cuántos sobre dice hice hizo "
    "hicimos pasó",
    "it": "il lo gli e è di che non un una per con sono del della dei nel nella come quando dove "
    "perché chi cosa quale quali mio mia ho hai ha più",
    "pt": "o os e é do da dos das em um uma que não nao para com por como quando onde quem qual "
    "quais meu minha está são foi mais sobre tem",
    "nl": "de het een en is van ik niet dat wat wie waar wanneer hoe waarom welke met voor zijn op "
    "te aan mijn heeft hebben er maar ook over",
    "ru": "и в во на с к о об по из у за от до для не ли что это как где когда кто кого кому чей "
    "сколько какой какая какое какие какого почему зачем чем чего часто есть был была были мы "
    "я он она они мой моя наш мне меня нас зовут звали называется",
    "el": "ο η το οι τα του της των τον την στο στη στον στην σε και με για από ένα μια να θα δεν "
    "ποιος ποια ποιο πότε πού πώς πόσο πόσα πόσοι πόσες τι γιατί είναι ήταν έχει λέγεται μας "
    "μου",
    "he": "את של על עם מה מי איפה היכן מתי כמה למה מדוע איך איזה איזו האם הוא היא הם אני אנחנו זה "
    "היה הייתה יש לא שלנו שלי",
    "ar": "من في على إلى عن مع ما ماذا متى أين كم كيف لماذا هل هو هي هذا هذه كان كانت التي الذي أي",
    "hi": "का की के को में से पर है हैं था थी थे ने और यह वह कब कहाँ कौन क्या क्यों कैसे कितना "
    "कितने कितनी किस किसने मेरा हमारा",
    "zh": "做 干 过",
    "ko": "어디 어디에서 어디입니까 언제 누가 누구 무엇 무엇인가요 입니까 나요 하나요 습니까 "
    "합니까 까요 얼마 얼마나 어떤 왜 어떻게 몇 왔나요 했나요 었나요 았나요 있나요",
}
COMMON_WORDS: dict[str, frozenset[str]] = {
    name: frozenset(tokens(words)) for name, words in _COMMON.items()
}
"""Words that carry no subject, as `tokens` yields them, by language."""
_LANGUAGES = {
    word: [name for name, words in COMMON_WORDS.items() if word in words]
    for word in frozenset().union(*COMMON_WORDS.values())
}

_BY_SCRIPT = {
    "cyrillic": "ru",
    "greek": "el",
    "hebrew": "he",
    "arabic": "ar",
    "indic": "hi",
    "thai": "th",
    "lao": "lo",
    "burmese": "my",
    "khmer": "km",
    "kana": "ja",
    "han": "zh",
    "hangul": "ko",
}
_MARKS = (("¿", "es"), ("¡", "es"), ("ß", "de"), ("ñ", "es"))
_WORD = re.compile(r"[^\W\d_]+")
_SCRIPT = re.compile("|".join(f"(?P<{name}>[{ranges}]+)" for name, ranges in SCRIPTS.items()))
_FOREIGN = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff]")
_PAIRED = re.compile(f"[{PAIRED}]")

LONGEST_PIECE = 14
"""Letters of the longest word piece; a longer one is an unknown script in one piece."""

LONGEST_UNSPACED = 4
"""The same for scripts without spaces, and for Korean."""

KNOWN = 0.5
"""For a known script: least share of non-Latin letters in pieces of several letters."""

MULTILINGUAL_ENCODERS = (
    "intfloat/multilingual-e5-small",
    "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
)
"""Names of encoders for a vault in other languages."""

_RAREST = 20
"""Number of words of a text that have at least one common word of its language."""

_MOSTLY = 0.5
"""Greatest share of the letters in languages unknown to the encoder without a notice."""

_SAMPLE = 20_000
"""Characters of a text that are looked at."""


def language_of(text: str, default: str = "en") -> str:
    """Return the ISO 639 code of the language of a text; `default` if it is unknown.

    Examples
    --------
    >>> [language_of(text) for text in ("Wann blüht sie?", "¿Quién es?", "梨は何", "土豆")]
    ['de', 'es', 'ja', 'zh']
    """
    found = scripts(text[:_SAMPLE])
    if not found:
        return default
    if found["kana"] and found["kana"] + found["han"] >= found["latin"]:
        return "ja"
    script = found.most_common(1)[0][0]
    if found["han"] and 3 * found["han"] >= found["latin"]:
        return "zh"  # a character says as much as a word
    if script != "latin":
        return _BY_SCRIPT[script]
    return _latin(text[:_SAMPLE], default)


def _latin(text: str, default: str) -> str:
    words = [fold(word) for word in _WORD.findall(text)]
    score = Counter(name for word in words for name in _LANGUAGES.get(word, ()))
    for mark, name in _MARKS:
        score[name] += 2 * (mark in text)
    best = max(score.values(), default=0)
    if _RAREST * best < len(words):
        return default
    likely = [name for name, points in score.items() if points == best and points]
    return default if not likely or default in likely else likely[0]


def scripts(text: str) -> Counter[str]:
    """Return how many letters of a text are of each script.

    Examples
    --------
    >>> scripts("Öl und 石油")
    Counter({'latin': 5, 'han': 2})
    """
    found: Counter[str] = Counter()
    for match in _SCRIPT.finditer(text):
        found[match.lastgroup or ""] += match.end() - match.start()
    return found


def unknown_share(texts: Iterable[str]) -> float:
    """Return the share of the letters of some texts that are in languages unknown to the encoder.

    The encoder that we ship knows English. A letter of Chinese or Japanese counts as three, as it
    says as much as a word.
    """
    known = unknown = 0
    for text in texts:
        found = scripts(text[:_SAMPLE])
        letters = found.total() + 2 * (found["han"] + found["kana"])
        if language_of(text) == "en":
            known += letters
        else:
            unknown += letters
    return unknown / (known + unknown) if known + unknown else 0.0


def foreign_notice(texts: Iterable[str]) -> str:
    """Return advice to set another encoder; "" if this one knows at least half of the letters."""
    if unknown_share(texts) <= _MOSTLY:
        return ""
    return (
        "Most of these notes are in a language that the encoder does not know, so words alone "
        "decide. For search by meaning, download a multilingual encoder with `hf download NAME` "
        f"({' or '.join(MULTILINGUAL_ENCODERS)}), set RAGBOT_EMBED_MODEL to its name, and run "
        "`ragbot index`."
    )


def is_readable(text: str, pieces: Sequence[Span]) -> bool:
    """Check whether an encoder knows the script of a text, by the word pieces of the text.

    If its vocabulary lacks a script, an encoder cuts a text into single letters, or returns one
    unknown piece. The vectors of such pieces mean nothing.
    """
    letters = len(_FOREIGN.findall(text))
    if 2 * letters <= len(re.findall(r"[^\W\d_]", text)):
        return True
    read = 0
    for first, last in set(pieces):
        size = len(_FOREIGN.findall(text[first:last]))
        longest = LONGEST_UNSPACED if _PAIRED.match(text, first) else LONGEST_PIECE
        read += size if 1 < size <= longest else 0
    return read >= KNOWN * letters
