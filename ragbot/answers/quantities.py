"""Numbers of a claim: each must be in its quotes, with its unit and its label."""

from __future__ import annotations

from collections.abc import Sequence

from ragbot.answers.clauses import Word, clauses, lemma

_UNITS = {
    lemma(form): name
    for name, forms in {
        "second": "second seconds s sec", "minute": "minute minutes min mins",
        "hour": "hour hours h hr hrs", "day": "day days", "week": "week weeks",
        "month": "month months", "year": "year years", "decade": "decade decades",
        "mm": "mm millimetre millimeter millimetres", "cm": "cm centimetre centimeter",
        "m": "m metre meter metres meters", "km": "km kilometre kilometer kilometres kilometers",
        "mile": "mile miles", "foot": "foot feet ft", "inch": "inch inches",
        "g": "g gram grams", "kg": "kg kilo kilogram",
        "ton": "ton tons tonne tonnes",
        "pound": "pound pounds lb lbs",
        "litre": "litre liter litres liters l", "ml": "ml millilitre",
        "gallon": "gallon gallons",
        "c": "c celsius", "f": "f fahrenheit", "%": "% percent per_cent",
        "euro": "euro euros €", "dollar": "dollar dollars $ usd", "krone": "krone kroner kr",
        "sterling": "£ gbp", "kb": "kb", "mb": "mb", "gb": "gb", "token": "token tokens",
        "thousand": "thousand thousands k",
        "million": "million millions", "billion": "billion billions bn",
    }.items()
    for form in forms.split()
}  # fmt: skip


def is_unit(word: Word) -> bool:
    """Check for a unit of measure."""
    return word.lemma in _UNITS


def number_fault(said: Sequence[Word], source: Sequence[Word], above: frozenset[str]) -> str:
    """Return a fault if a number of the claim, its unit or its label is not in the source."""
    known = {word.lemma for word in source if word.number} | above
    for place, word in enumerate(said):
        if not word.number:
            continue
        if word.lemma not in known:
            return f"the number {word.text} is not in the source"
        label = said[place - 1].lemma if place and said[place - 1].content else ""
        labels = {source[at - 1].lemma for at, one in enumerate(source) if one.lemma == word.lemma}
        labelled = {one.lemma for at, one in enumerate(source[1:]) if source[at].lemma == label}
        verbs = {clause.main_verb for clause in clauses(" ".join(one.text for one in source))}
        if (
            label
            and label not in labels | verbs
            and any(one.isdigit() or "." in one for one in labelled)
        ):
            return f"the source gives {label} another number"
        units = {_unit(source, at) for at, one in enumerate(source) if one.lemma == word.lemma}
        ours = _unit(said, place)
        if ours not in units and (ours or units - {""}) and (ours or "" not in units) and units:
            return f"the source gives {word.text} another unit"
    return ""


def _unit(all_words: Sequence[Word], place: int) -> str:
    for at in (place + 1, place + 2, place - 1):
        if 0 <= at < len(all_words):
            text = all_words[at].text
            if text == "°":
                continue
            if at == place - 1 and text not in "€$£":
                continue
            if unit := _UNITS.get(all_words[at].lemma):
                return unit
            if at == place + 1 and text not in ("°",):
                continue
    return ""
