"""Fold words for comparison: their letters, and their endings.

One folding of letters is for words to search, one for names in links. The stems are light ones of
English words, and of words in scripts that the default encoder does not know. In those scripts only
words are compared, so "яблоня" must find "яблони". The most frequent endings of each language are
removed; a stem has at least three letters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Marks that people leave out when they search (accents, breathings, vowel points), and invisible
# signs (soft hyphens, zero-width spaces).
_MARKS = re.compile(
    "[\u00ad\u200b\u2060\ufeff"
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)
_ARABIC = str.maketrans({"ى": "ي", "ة": "ه", "ی": "ي", "ک": "ك"})


def fold(text: str) -> str:
    """Return a text with case, accents and compatibility forms folded.

    Examples
    --------
    >>> fold("Ngāi Ｔahu"), fold("Ёлка"), fold("한국"), fold("が")
    ('ngai tahu', 'елка', '한국', 'が')
    """
    if text.isascii():  # most text, and ten times as fast
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", _MARKS.sub("", decomposed)).translate(_ARABIC)


def fold_name(name: str) -> str:
    """Return the name of a note in lower case and NFC, as Obsidian compares names.

    Examples
    --------
    >>> fold_name("Résumé") == fold_name("RE\u0301SUME\u0301"), fold_name("é") == fold_name("e")
    (True, False)
    """
    if name.isascii():  # most names, and five times as fast
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())


# Stems

_LEAST = 3
"""Least letters of a stem."""

_ENDINGS = {
    "cyrillic": "иями ями ами ого его ому ему ыми ими иях ете ите ешь ишь ать ять еть ить уть "
    "ала ила ели али или ует ают яют ами ах ях ов ев ом ем ой ей ою ею ый ий ая яя ое ее ые ие "
    "ую юю ых их ым им ет ит ут ют ат ят ла ло ли ть ся сь ью ия ии ию ем а е и о у ы э ю я й ь л",
    "greek": "ουμε ουσε ονται εται ματα ματος ους ουν ων ης ες ας ος ου οι αι εις ει ησ εσ ασ οσ "
    "ουσ "
    "εισ ω η α ο ι υ",
    "hebrew": "ים ות יה ית ה",
    "arabic": "ات ون ين ان ها هم نا يه ه ي",
    "indic": "ियों ियाँ ाओं ाएँ ों ें ीं ाँ ियां ए ओ ा ी ि े ो ं",
}
_FIRST = {
    "greek": "\u0370",
    "cyrillic": "\u0400",
    "hebrew": "\u0590",
    "arabic": "\u0600",
    "indic": "\u0900",
}
_LAST = "\u0dff"
_PATTERNS = {
    name: re.compile(rf"(?:{'|'.join(sorted(endings.split(), key=len, reverse=True))})$")
    for name, endings in _ENDINGS.items()
}
_PREFIXES = {
    "arabic": re.compile(r"^[وف]?(?:[بك]?ال|لل)(?=.{3})"),
    "hebrew": re.compile(r"^[הובלמשכ](?=.{3})"),
}


_ENGLISH = ("ings", "ing", "ions", "ion", "ies", "es", "ed", "s", "e", "y")
_IRREGULAR_FORMS = (
    "ate/eat eaten/eat beaten/beat became/become began/begin begun/begin bent/bend bit/bite "
    "bitten/bite blew/blow blown/blow bought/buy bound/bind bred/breed broke/break broken/break "
    "brought/bring built/build burnt/burn came/come caught/catch chose/choose chosen/choose "
    "crept/creep dealt/deal drank/drink drew/draw drawn/draw driven/drive drove/drive drunk/drink "
    "dug/dig dreamt/dream fallen/fall fed/feed fell/fall felt/feel fled/flee flew/fly flown/fly "
    "forgot/forget forgotten/forget fought/fight froze/freeze frozen/freeze gave/give "
    "given/give gone/go went/go got/get gotten/get grew/grow grown/grow heard/hear held/hold "
    "hid/hide hidden/hide hung/hang kept/keep knew/know known/know laid/lay led/lead left/leave "
    "lent/lend lost/lose made/make meant/mean met/meet paid/pay ran/run rang/ring rung/ring "
    "ridden/ride rode/ride risen/rise said/say sang/sing sung/sing sank/sink sunk/sink sat/sit "
    "saw/see seen/see sent/send sewn/sew shaken/shake shook/shake shone/shine shot/shoot "
    "shown/show slept/sleep slid/slide sold/sell sought/seek sown/sow spent/spend spoke/speak "
    "spoken/speak sprang/spring stole/steal stolen/steal stood/stand struck/strike stuck/stick "
    "swam/swim swum/swim swept/sweep swore/swear sworn/swear taken/take took/take taught/teach "
    "threw/throw thrown/throw thought/think told/tell tore/tear torn/tear understood/understand "
    "woke/wake woken/wake won/win wore/wear worn/wear wove/weave woven/weave written/write "
    "wrote/write men/man women/woman children/child people/person feet/foot teeth/tooth "
    "mice/mouse geese/goose"
)
_IRREGULAR = dict(pair.split("/") for pair in _IRREGULAR_FORMS.split())
"""Irregular English forms with their base forms."""


def stem(word: str) -> str:
    """Return an English verb or noun without its ending, so that its forms compare equal.

    Examples
    --------
    >>> [stem(word) for word in ("extends", "extended", "coordination", "coordinate", "relies")]
    ['extend', 'extend', 'coordinat', 'coordinat', 'rel']
    >>> stem("bought") == stem("buys"), stem("saws") == stem("saw")
    (True, True)
    """
    found = _stripped(_IRREGULAR.get(word, word))
    # The stem of "saws" is that of "saw".
    return _stripped(_IRREGULAR[found]) if found in _IRREGULAR else found


def _stripped(word: str) -> str:
    for suffix in _ENGLISH:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)]
    return word


@lru_cache(maxsize=50_000)
def foreign_stem(word: str) -> str:
    """Return a folded word without its ending, and without an attached prefix.

    Examples
    --------
    >>> same = foreign_stem("яблони") == foreign_stem("яблоня")
    >>> same, foreign_stem("الكتاب") == foreign_stem("كتاب"), foreign_stem("heats")
    (True, True, 'heats')
    """
    if not "\u0370" <= word[0] <= _LAST or len(word) <= _LEAST:
        return word
    name = next(name for name, first in reversed(_FIRST.items()) if word[0] >= first)
    if prefix := _PREFIXES.get(name):
        word = prefix.sub("", word)
    ending = _PATTERNS[name].search(word, _LEAST)
    return word[: ending.start()] if ending else word
