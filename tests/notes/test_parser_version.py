"""An index reads notes again when the code that reads them has changed."""

from tests.notes import parser_version


def test_the_version_is_counted_up_with_the_code():
    known = parser_version.known()
    advice = "run: python -m tests.notes.parser_version (with --same if notes are read as before)"
    assert parser_version.digest() == known["digest"], advice
    assert parser_version.version() == known["version"], advice
