"""Check that the parser's version was counted up when the code that decides a note's rows changed.

python -m tests.notes.parser_version          count the version up, and remember the code
python -m tests.notes.parser_version --same   remember code that reads as before
"""

import argparse
import hashlib
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VERSION = ROOT / "ragbot" / "notes" / "__init__.py"
KNOWN = Path(__file__).with_name("parser_version.json")

# What follows the folder, checks notes, or links to editors does not decide what a note is.
OTHERS = {
    "__init__", "anchors", "conflicts", "editor_links", "link_checker", "link_fixes", "watcher"
}  # fmt: skip


def sources():
    """Return the modules that decide which notes, links, mentions and passages a file yields."""
    notes = sorted((ROOT / "ragbot" / "notes").glob("*.py"))
    names = ("dates", "folding", "sentences", "tokenize")
    text = [ROOT / "ragbot" / "text" / f"{name}.py" for name in names]
    rows = ROOT / "ragbot" / "index" / "note_rows.py"
    return [*(path for path in notes if path.stem not in OTHERS), *text, rows]


def digest():
    """Return a digest of these modules."""
    content = b"\0".join(path.read_bytes() for path in sources())
    return hashlib.sha256(content).hexdigest()


def version():
    """Return the version that the package declares."""
    return int(re.search(r"^PARSER_VERSION = (\d+)$", VERSION.read_text("utf-8"), re.M).group(1))


def known():
    """Return the version and the digest that were remembered."""
    return json.loads(KNOWN.read_text("utf-8"))


def main():
    """Remember the code as it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--same", action="store_true", help="the code reads as before")
    number = version()
    if not parser.parse_args().same and digest() != known()["digest"]:
        number += 1
        text = VERSION.read_text("utf-8")
        changed = re.sub(r"^PARSER_VERSION = \d+$", f"PARSER_VERSION = {number}", text, flags=re.M)
        VERSION.write_text(changed, "utf-8")
    record = {"version": number, "digest": digest()}
    KNOWN.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(f"parser version {number}")


if __name__ == "__main__":
    main()
