"""English words for the verification: auxiliaries, negators, prepositions, past forms.

Only data. A word that is not listed is compared by its form.
"""

from __future__ import annotations

from ragbot.text.tokenize import TO_TWENTY

_BE_WORDS = "is are was were be been being get gets got"
BE = frozenset(_BE_WORDS.split())
"""Forms of "be" and "get": with a participle they make a passive."""

_AUXILIARY_WORDS = (
    "are aren't be been being can can't cannot could couldn't did didn't do does doesn't don't "
    "get gets got had hadn't has hasn't have haven't having is isn't may might must mustn't "
    "need needn't needs shall should shouldn't was wasn't were weren't will won't would "
    "wouldn't"
)
AUXILIARY = frozenset(_AUXILIARY_WORDS.split())
"""Auxiliaries and modals."""

_NEGATORS_WORDS = (
    "aren't can't cannot couldn't didn't doesn't don't hadn't hardly hasn't haven't isn't lack "
    "lacks mustn't needn't neither never no nobody none nor not nothing shouldn't wasn't "
    "weren't won't wouldn't"
)
NEGATORS = frozenset(_NEGATORS_WORDS.split())
"""Words that negate their clause."""

_HEDGES_WORDS = (
    "allegedly apparently could likely may maybe might perhaps possibly presumably probably "
    "reported reportedly rumoured supposedly unconfirmed unclear"
)
HEDGES = frozenset(_HEDGES_WORDS.split())
"""Words that make a statement less certain; a claim must not drop them."""

_PRONOUNS_WORDS = "he her him i it one she that them these they this those us we you"
PRONOUNS = frozenset(_PRONOUNS_WORDS.split())
"""Pronouns and other words that refer to an earlier sentence."""

_PREPOSITIONS_WORDS = (
    "above across after against at before below between by during for from in into of on onto "
    "over per since than to under until with within without"
)
PREPOSITIONS = frozenset(_PREPOSITIONS_WORDS.split())
"""Prepositions."""

_OPENERS_WORDS = "although because if since though unless until when where which who whom whose"
OPENERS = frozenset(_OPENERS_WORDS.split())
"""Words that open a clause."""

_PAST_FORMS_WORDS = (
    "ate became began broke brought built bought caught chose came cut did drew drank drove "
    "fell felt fought found flew forgot gave went grew heard held hid hit kept knew laid led "
    "left lent let lost made meant met paid put ran rose said saw sold sent set shot shut sang "
    "sank sat slept spoke spent stood stole stuck swam took taught told thought threw "
    "understood woke wore won wrote beat begun broken chosen drawn driven eaten fallen flown "
    "forgotten given gone grown hidden known seen shown sung taken thrown worn written risen "
    "beaten"
)
PAST_FORMS = frozenset(_PAST_FORMS_WORDS.split())
"""Past forms of irregular verbs."""

_VERBS_WORDS = (
    "add allow absorb appear apply ask become begin believe bring burn call carry cause change "
    "choose come contain cost create define depend describe drop end enter explain extend fall "
    "find follow forget generate get give go grow happen hold include increase keep know lead "
    "learn leave let live look lose lower make mean measure move offer open pay prevent produce "
    "propose provide put raise reach read receive reduce remain remember replace require rest "
    "retry return review rise run say see sell send serve set share shift show sleep stay stop "
    "suggest take teach tell treat try turn understand use vote weigh win work write ripen "
    "drift act train predict steer activate shape emerge arise exist support store select"
)
VERBS = frozenset(_VERBS_WORDS.split())
"""Common verbs whose plain form no rule recognises as a verb."""

_STRONG_WORDS = "all always completely entirely every exactly must never none only"
STRONG = frozenset(_STRONG_WORDS.split())
"""Words that make a claim stronger; its quote must have them too."""

_LIGHT_WORDS = (
    "note notes text passage say says state according mention describe refer call also well "
    "therefore thus however since due both while during such specifically namely include e.g "
    "i.e etc yet still already different would example each any whether within upon via using "
    "used use mean means tend tends seem seems stand stands"
)
LIGHT = frozenset(_LIGHT_WORDS.split())
"""Words that refer to the source, or only join the parts of a sentence."""

_OPPOSITES = (
    "large/small big/small great/small high/low long/short old/young late/early fast/slow "
    "quick/slow heavy/light hot/cold warm/cool bright/faint bright/dim strong/weak wide/narrow "
    "deep/shallow rich/poor hard/easy hard/soft more/less more/fewer most/least many/few "
    "good/bad better/worse best/worst expensive/cheap thick/thin loud/quiet rise/fall "
    "raise/lower increase/decrease increase/reduce grow/shrink gain/lose win/lose accept/reject "
    "approve/reject allow/forbid allow/prevent support/oppose add/remove add/drop "
    "include/exclude before/after always/never first/last internal/external succeed/fail "
    "improve/worsen strengthen/weaken widen/narrow open/close start/end begin/end buy/sell "
    "import/export positive/negative true/false right/wrong all/none same/different wet/dry "
    "clean/dirty full/empty tall/short near/far safe/dangerous possible/impossible above/below "
    "inside/outside active/passive"
)
OPPOSITES = [(a, b) for a, b in (pair.split("/") for pair in _OPPOSITES.split())]
"""Pairs of opposites."""

SPELT = {word: str(number) for number, word in enumerate(TO_TWENTY) if word != "one"}
"""Numbers as words; "one" is mostly a pronoun."""
SPELT |= {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70"}
SPELT |= {"eighty": "80", "ninety": "90", "dozen": "12", "twice": "2", "once": "1"}
