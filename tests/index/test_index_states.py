"""An index that was refreshed time and again equals one that was built from nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ragbot.index.index import Index
from ragbot.questions.question import analyse
from ragbot.retrieval.retriever import retrieve
from tests.word_encoder import WordEncoder

NAMES = ["Heat", "Ice", "Steam", "heat", "Salt"]
FOLDERS = ["", "a/", "a/b/"]
WORDS = ["warm", "cold", "melts", "boils", "crystal", "because", "slowly", "water"]
QUESTIONS = ["what melts slowly", "warm crystal water", "Heat", "how does Ice relate to Steam"]

names = st.sampled_from(NAMES)
paths = st.builds(lambda folder, name: f"{folder}{name}.md", st.sampled_from(FOLDERS), names)
sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(
    lambda words: " ".join(words).capitalize() + "."
)
links = st.one_of(
    names.map(lambda name: f"See [[{name}]]."),
    names.map(lambda name: f"- supports::[[{name}]]\n    - because of water"),
    paths.map(lambda path: f"See [[{path.removesuffix('.md')}|there]]."),
)
bodies = st.lists(st.one_of(sentences, links), min_size=0, max_size=4).map("\n\n".join)
heads = st.one_of(
    st.just(""),
    names.map(lambda name: f"---\naliases: [{name}]\ncreated: 2024-01-02\n---\n"),
    names.map(lambda name: f"---\ntitle: {name}\n---\n"),
    names.map(lambda name: f"# {name}\n\n"),
)
texts = st.builds(str.__add__, heads, bodies)


def passages_in(corpus):
    """Return every passage number, in order of note and place."""
    return [number for note in corpus.notes for number in corpus.passages_of(note)]


def state_of(index):
    """Return everything that an answer could depend on, and nothing of how it came to be."""
    encoder = WordEncoder()
    with index.snapshot() as corpus:
        passages = passages_in(corpus)
        names = {number: corpus.passage(number).id for number in passages}
        rankings = []
        for question in QUESTIONS:
            query = encoder.encode_question(question)
            hits = retrieve(corpus, analyse(corpus, question, encode=encoder.encode_question))
            rankings.append([(hit.passage.id, round(hit.score, 4)) for hit in hits])
            near = corpus.vectors.nearest(query.vector, 5)
            rankings.append([(names[number], round(cosine, 4)) for number, cosine in near])
        words = corpus.bm25(["warm", "water", "melts"])
        return {
            "notes": corpus.notes.all(),
            "single notes": [corpus.notes[note] for note in corpus.notes],
            "passages": [corpus.passage(number) for number in passages],
            "relations": list(corpus.graph.relations()),
            "rarities": corpus.graph.rarities(list(corpus.notes)),
            "ghosts": list(corpus.graph.ghosts().items()),
            "predicates": corpus.graph.predicates,
            "problems": corpus.problems,
            "files": corpus.files,
            "vectors": corpus.vectors.of(passages).round(4).tolist(),
            "codes": [codes.tobytes() for codes in corpus.vectors.codes(passages)],
            "words": {names[number]: round(score, 4) for number, score in words.items()},
            "rankings": rankings,
        }


class Refreshed(RuleBasedStateMachine):
    """Any sequence of edits, refreshed now and then, by a chat that stays open or starts again."""

    @initialize(text=texts)
    def begin(self, text):
        self.home = Path(tempfile.mkdtemp())
        self.vault = self.home / "vault"
        self.vault.mkdir()
        self.index = Index(self.home / "index")
        self.reader = Index(self.home / "index")
        self.write("Root.md", text)
        self.refresh()

    def write(self, path, text):
        file = self.vault / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def notes(self):
        return sorted(p.relative_to(self.vault).as_posix() for p in self.vault.rglob("*.md"))

    @rule(path=paths, text=texts)
    def create_or_edit(self, path, text):
        self.write(path, text)

    @rule(data=st.data(), text=texts)
    def append(self, data, text):
        path = data.draw(st.sampled_from(self.notes()))
        self.write(path, (self.vault / path).read_text(encoding="utf-8") + "\n\n" + text)

    @rule(data=st.data())
    def delete(self, data):
        if len(self.notes()) > 1:
            (self.vault / data.draw(st.sampled_from(self.notes()))).unlink()

    @rule(data=st.data(), to=paths)
    def rename_or_move(self, data, to):
        path = data.draw(st.sampled_from(self.notes()))
        (self.vault / to).parent.mkdir(parents=True, exist_ok=True)
        (self.vault / path).replace(self.vault / to)

    @rule(data=st.data())
    def change_keeping_size_and_time(self, data):
        file = self.vault / data.draw(st.sampled_from(self.notes()))
        before = file.stat()
        file.write_text(file.read_text(encoding="utf-8").swapcase(), encoding="utf-8")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    @rule(name=names)
    def other_file(self, name):
        self.write(f"{name}.png", "not a note")

    @rule()
    def come_anew(self):
        self.index = Index(self.home / "index")

    @rule()
    def refresh_too(self):
        """Twice as likely as any one edit: it is what is tested."""
        self.refresh()

    @rule()
    def refresh(self):
        self.index.refresh(self.vault, WordEncoder())
        clean = Index(Path(tempfile.mkdtemp(dir=self.home)))
        clean.refresh(self.vault, WordEncoder())
        expected = state_of(clean)
        clean.close()
        for index in (self.index, self.reader):
            found = state_of(index)
            for part, value in expected.items():
                assert found[part] == value, part
        assert self.index.behind(self.vault) == 0

    @rule()
    def rebuild(self):
        self.index.refresh(self.vault, WordEncoder(), rebuild=True)
        self.refresh()

    @invariant()
    def answers(self):
        if hasattr(self, "reader"):
            with self.reader.snapshot() as corpus:
                assert len(passages_in(corpus)) == corpus.passage_count

    def teardown(self):
        if hasattr(self, "home"):
            self.refresh()
            self.index.close()
            self.reader.close()
            shutil.rmtree(self.home)


TestRefreshed = Refreshed.TestCase
TestRefreshed.settings = settings(
    max_examples=20,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
