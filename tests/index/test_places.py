"""Where the text of each row stands: taken over, and looked up where it is new."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from ragbot.index.places import Places
from ragbot.index.splice import NONE, Cut, Splice


@dataclass(eq=False)
class Words:
    """A set of texts that counts how often it is asked."""

    keys: list
    asked: list = field(default_factory=list)

    @property
    def position(self):
        return self

    def get(self, key, default):
        self.asked.append(key)
        return self.keys.index(key) if key in self.keys else default


parts = st.lists(st.sets(st.sampled_from("abcdef")).map(sorted).map(Words), max_size=3)


def told(places):
    return [
        None if part == NONE else places.parts[part].keys[at]
        for part, at in zip(places.part, places.position, strict=True)
    ]


ids = st.lists(st.sampled_from("uvwxyz"), unique=True).map(sorted)


@given(data=st.data(), old=parts, new=parts, kept=st.sets(st.integers(0, 2)), ids=ids, came=ids)
def test_places_taken_over_are_those_looked_up(data, old, new, kept, ids, came):
    gone = data.draw(st.sets(st.sampled_from("uvwxyz")))
    keys = {one: data.draw(st.sampled_from("abcdef")) for one in ids}
    before = Places.of(old, list(keys.values()))
    keys = {one: key for one, key in keys.items() if one not in gone}
    keys |= {one: data.draw(st.sampled_from("abcdef")) for one in came}
    now = [keys[one] for one in sorted(keys)]
    parts = [*(part for number, part in enumerate(old) if number in kept), *new]
    places = Places.of(parts, now, before, Splice.of(ids, came, gone))
    known = {key for part in parts for key in part.keys}
    assert told(places) == [key if key in known else None for key in now]
    assert places.missing.tolist() == [row for row, key in enumerate(now) if key not in known]
    for part, held in zip(parts, places.held, strict=True):
        assert [part.keys[at] for at in held.positions] == [now[row] for row in held.rows]
        living = held.living.tolist()
        assert sorted(held.of(living).tolist()) == held.rows.tolist()
        assert [now[row] for row in held.of(living[:1])] == [
            part.keys[at] for at in living[:1] for _ in range(held.times[at])
        ]


def test_what_stays_is_not_looked_up_again():
    large, small = Words(["a", "b", "c"]), Words(["d"])
    before = Places.of([large], ["a", "b", "x"])
    large.asked.clear()
    splice = Splice(3, [Cut(0, 0, 1)])
    places = Places.of([large, small], ["d", "a", "b", "x"], before, splice)
    assert told(places) == ["d", "a", "b", None]
    assert (large.asked, small.asked) == (["d"], ["d", "x"])
