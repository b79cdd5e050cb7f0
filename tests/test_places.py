"""Where the text of each row stands: taken over, and looked up where it is new."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ragbot.places import NONE, Places


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


keys = st.lists(st.sampled_from("abcdef"), max_size=8)
parts = st.lists(st.sets(st.sampled_from("abcdef")).map(sorted).map(Words), max_size=3)


def told(places):
    return [
        None if part == NONE else places.parts[part].keys[at]
        for part, at in zip(places.part, places.position, strict=True)
    ]


@given(keys=keys, old=parts, now=keys, new=parts, kept=st.sets(st.integers(0, 2)), data=st.data())
def test_places_taken_over_are_those_looked_up(keys, old, now, new, kept, data):
    before = Places.of(old, keys)
    former = [
        data.draw(st.sampled_from([NONE, *(row for row, k in enumerate(keys) if k == key)]))
        for key in now
    ]
    parts = [*(part for number, part in enumerate(old) if number in kept), *new]
    places = Places.of(parts, now, before, np.array(former, np.int64))
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
    places = Places.of([large, small], ["d", "a", "b", "x"], before, np.array([NONE, 0, 1, 2]))
    assert told(places) == ["d", "a", "b", None]
    assert (large.asked, small.asked) == (["d"], ["d", "x"])
