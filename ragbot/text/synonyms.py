"""Words that mean the same: forms and synonyms of a word have one root.

Look-ups compare the roots of a question with those of the columns, fields and rows of the notes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ragbot.text.folding import fold, stem
from ragbot.text.tokenize import STOP_WORDS, terms

_FIELDS = {
    "address": "adresse anschrift dirección indirizzo",
    "attendee": "attended attendees present participants teilnehmer anwesend asistentes présents",
    "author": "wrote written writer autor autorin auteur auteure autora verfasser schriftsteller "
    "escritor écrivain",
    "birthday": "born geburtstag anniversaire cumpleaños",
    "brand": "vendor manufacturer maker marke marque marca hersteller fabricant fabricante",
    "build": "gebaut construit construyó построил",
    "buy": "purchased purchase gekauft acheté compré comprado",
    "colour": "farbe couleur color",
    "composer": "composed komponist compositeur compositor",
    "date": "datum fecha",
    "director": "regisseur regie réalisateur réalisatrice directeur",
    "doctor": "physician arzt ärztin médecin médico",
    "height": "höhe hauteur altura",
    "length": "länge longueur longitud",
    "number": "nummer numéro número",
    "open": "offen offene offenen ouvert ouverte ouvertes abierto abierta abiertas",
    "owner": "owns owned besitzer eigentümer propriétaire propietario dueño",
    "password": "passwort kennwort contraseña",
    "phone": "telephone telefon telefonnummer téléphone teléfono",
    "place": "ort lieu lugar",
    "plate": "kennzeichen plaque matrícula immatriculation",
    "price": "cost costs pay paid preis kosten kostet prix coût coûte precio costo cuesta",
    "publisher": "verlag verleger éditeur maison editorial",
    "sell": "verkauft vendu vendido",
    "serial": "seriennummer série serie",
    "size": "größe taille tamaño talla",
    "task": "aufgabe aufgaben tâche tâches tarea tareas",
    "teacher": "teaches taught lehrer lehrerin professeur maestro maestra",
    "tenant": "rents rented mieter mieterin locataire inquilino inquilina",
    "translator": "übersetzer übersetzerin traducteur traductrice traductor traductora",
    "weight": "weigh weighs gewicht poids peso",
    "width": "breite largeur anchura ancho",
    "year": "older newer oldest newest jahr année año",
}
FIELD_NAMES = {fold(word): name for name, words in _FIELDS.items() for word in words.split()}
"""Folded words for what notes keep in fields, by their usual name in English: synonyms, and words
of other languages, mostly German, French and Spanish."""

LEAST_STEM = 5
"""Letters of the shortest stem that can be the beginning of another stem of the word."""

_ASKING_WORDS = (
    "note page entry file tag tagged task todo item action checklist list show give tell name "
    "value number find open unfinished pending undone outstanding left still remain remaining "
    "incomplete unchecked yet done finished complete closed ticked checked cancelled canceled "
    "dropped write wrote written made happen day date daily diary journal please many much "
    "long far old type kind every each there need needed require required use used should "
    "must until since mine get give take come go help"
)
ASKING = frozenset(map(stem, _ASKING_WORDS.split()))
"""Stems of words of questions that name nothing."""


def root(word: str) -> str:
    """Return the stem of a word without the ending of who does it: "keeps", "Keeper"."""
    found = stem(word)
    return found[:-2] if found.endswith(("er", "or")) and len(found) >= LEAST_STEM else found


ASKING_ROOTS = frozenset(map(root, _ASKING_WORDS.split())) | {"s"}
"""Roots of the same words."""


def roots(texts: Iterable[str]) -> set[str]:
    """Return the roots of the content words of some texts, in English for the names of fields."""
    return roots_of(word for text in texts for word in terms(text))


def roots_of(words: Iterable[str]) -> set[str]:
    """Return the roots of folded words, in English for the names of fields."""
    return {root(FIELD_NAMES.get(word, word)) for word in set(words) - STOP_WORDS}


def all_alike(wanted: Collection[str], place: Collection[str]) -> bool:
    """Check whether each of some roots has an `alike` one in a place."""
    return all(any(alike(word, one) for one in place) for word in wanted)


def alike(one: str, other: str) -> bool:
    """Check whether two stems are of one word: "attend" and "attende" of "attendees"."""
    shorter, longer = sorted((one, other), key=len)
    return shorter == longer or (len(shorter) >= LEAST_STEM and longer.startswith(shorter))
