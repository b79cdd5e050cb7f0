"""Reading a folder: what is taken, what is left, and what is reported."""

import os

import pytest

from ragbot.errors import VaultError
from ragbot.notes import vault


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "vault"
    root.mkdir()
    (tmp_path / "secret.md").write_text("secret\n", encoding="utf-8")
    (root / "Good.md").write_text("[[Other]]\n", encoding="utf-8")
    return root


def write(root, name, text=""):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def kinds(problems):
    return {(problem.kind, problem.note) for problem in problems}


def test_folder_that_goes_while_it_is_listed_is_told_as_missing(folder, monkeypatch):
    ignored = vault._ignored

    def moved(root):
        found = ignored(root)
        root.rename(root.with_name("away"))
        return found

    monkeypatch.setattr(vault, "_ignored", moved)
    with pytest.raises(VaultError, match="does not exist"):
        vault.scan(folder)


@pytest.mark.parametrize("make", ["missing", "file", "unreadable"])
def test_a_folder_that_cannot_be_read_is_an_error(tmp_path, make, monkeypatch):
    path = tmp_path / make
    if make == "file":
        path.write_text("", encoding="utf-8")
    if make == "unreadable":
        path.mkdir()

        def refuse(_):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(VaultError, match="--notes"):
        vault.read(path)


def test_names_of_every_kind(folder):
    names = ["new\nline.md", "cafe\u0301.md", "UPPER.MD", "emoji 🎉.md", "a b/c d.md", ".md"]
    for name in names:
        write(folder, name, "x")
    notes, problems = vault.read(folder)
    assert {note.id for note in notes} == {*names, "Good.md"} - {".md"}
    assert not problems


def test_a_name_that_is_no_text_is_reported(folder):
    try:
        (folder / os.fsdecode(b"bad\xff.md")).write_text("", encoding="utf-8")
    except OSError:
        pytest.skip("this file system refuses such names: run the test on ext4")
    notes, problems = vault.read(folder)
    assert [note.id for note in notes] == ["Good.md"]
    assert [problem.kind for problem in problems] == ["unreadable"]
    problems[0].note.encode()


def test_links_out_of_the_folder_are_never_read(folder, monkeypatch):
    (folder / "out.md").symlink_to("../secret.md")
    (folder / "up").symlink_to("..")
    (folder / "loop").symlink_to("loop")
    (folder / "inner.md").symlink_to("Good.md")
    opened = []
    real_open = os.open
    monkeypatch.setattr(os, "open", lambda path, *a: opened.append(path) or real_open(path, *a))
    notes, problems = vault.read(folder)
    assert [note.id for note in notes] == ["Good.md"]
    assert kinds(problems) == {("outside", "out.md"), ("outside", "up"), ("unreadable", "loop")}
    assert opened == [folder / "Good.md"]


@pytest.mark.parametrize(
    "name", ["../secret.md", "/etc/passwd", "a/../../secret.md", "out.md", "up/secret.md", "\0.md"]
)
def test_read_note_stays_in_the_folder(folder, name):
    (folder / "out.md").symlink_to("../secret.md")
    (folder / "up").symlink_to("..")
    note, problems = vault.read_note(folder, name)
    assert note is None
    assert [problem.kind for problem in problems] == ["unreadable"]


def test_a_pipe_does_not_block(folder):
    os.mkfifo(folder / "pipe.md")
    notes, problems = vault.read(folder)
    assert len(notes) == 1
    assert kinds(problems) == {("unreadable", "pipe.md")}


@pytest.mark.parametrize("content", [b"x" * (vault.MAX_BYTES + 1), b"\n" * (vault.MAX_LINES + 1)])
def test_a_dump_is_reported_and_the_rest_is_read(folder, content):
    (folder / "Dump.md").write_bytes(content)
    notes, problems = vault.read(folder)
    assert [note.id for note in notes] == ["Good.md"]
    assert kinds(problems) == {("too_large", "Dump.md")}
    assert "at most" in problems[0].message


def test_encoding(folder):
    (folder / "Bad.md").write_bytes(b"one\ntwo \xff [[Good]]\n")
    (folder / "Bom.md").write_bytes(b"\xef\xbb\xbf# Head\r\n")
    notes, problems = vault.read(folder)
    by_id = {note.id: note for note in notes}
    assert by_id["Bom.md"].text == "# Head\r\n"
    assert by_id["Bad.md"].relations[0].target == "Good.md"
    assert [(p.kind, p.note, p.line) for p in problems] == [("encoding", "Bad.md", 2)]


def test_broken_frontmatter_names_its_line(folder):
    write(folder, "Bad.md", "---\na: 1\nb: [x\n---\n[[Good]]\n")
    notes, problems = vault.read(folder)
    assert notes[0].relations[0].target == "Good.md"
    assert [(p.kind, p.note) for p in problems] == [("frontmatter", "Bad.md")]
    assert problems[0].line in (3, 4)


def test_ignored(folder):
    write(folder, vault.IGNORE_FILE, "drafts/\n*.tmp.md\n!keep.tmp.md\n")
    for name in ("drafts/a.md", "x.tmp.md", "keep.tmp.md", ".hidden/b.md", "node_modules/c.md"):
        write(folder, name)
    assert set(vault.scan(folder).notes) == {"Good.md", "keep.tmp.md"}


def test_an_index_below_the_notes_is_not_listed(folder):
    for name in (vault.INDEX_FILE, "chroma/data.bin", "Read me.md"):
        write(folder, f"of ragbot/{name}")
    listing = vault.scan(folder)
    assert (set(listing.notes), listing.files) == ({"Good.md"}, ())


def test_scan_lists_the_changes(folder):
    before = vault.scan(folder).notes["Good.md"]
    write(folder, "Good.md", "longer text\n")
    after = vault.scan(folder).notes["Good.md"]
    assert before != after
    assert after[0] == 12


def test_other_files_are_listed_for_links(folder):
    write(folder, "pic.png")
    write(folder, "Other.md", "![[pic.png]] [[Good]] [all](sub/)\n")
    write(folder, "sub/x.md")
    assert vault.scan(folder).files == ("pic.png",)
    notes, _ = vault.read(folder)
    other = next(note for note in notes if note.id == "Other.md")
    assert [relation.target for relation in other.relations] == ["Good.md"]
