"""What became of a sequence is what a person would write down who sees both."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ragbot.index.splice import NONE, Cut, Splice

ids = st.lists(st.sampled_from("abcdefgh"), unique=True).map(sorted)


@given(old=ids, new=ids, gone=st.sets(st.sampled_from("abcdefgh")))
def test_ids_are_replaced_and_the_rest_stays(old, new, gone):
    splice = Splice.of(old, set(new), gone)
    now = sorted({*old, *new} - (gone - {*new}))
    assert splice.put(old, new) == tuple(now)
    assert splice.came == len(new)
    assert splice.moves or now == old
    stays = [one for one in now if one not in new]
    assert [old[row] for row in splice.former if row != NONE] == stays
    assert [row == NONE for row in splice.former] == [one in new for one in now]
    for one, row in zip(old, splice.latter.tolist(), strict=True):
        assert (now[row] == one) if one in now else row == NONE


@given(old=ids, new=ids, gone=st.sets(st.sampled_from("abcdefgh")), data=st.data())
def test_runs_are_replaced_with_what_they_belong_to(old, new, gone, data):
    def runs(names):
        return {name: data.draw(st.lists(st.integers(0, 9), max_size=3)) for name in names}

    before, came = runs(old), runs(new)
    after = {name: run for name, run in (before | came).items() if name not in gone or name in new}
    first = np.cumsum([0, *map(len, before.values())])
    splice = Splice.of(old, set(new), gone).along(first, [len(run) for run in came.values()])
    flat = np.array([number for run in before.values() for number in run], np.int64)
    fresh = np.array([number for run in came.values() for number in run], np.int64)
    expected = [number for name in sorted(after) for number in after[name]]
    assert splice.put_rows(flat, fresh).tolist() == expected
    assert splice.put(flat.tolist(), fresh.tolist()) == tuple(expected)


def test_one_for_one_moves_nothing():
    assert not Splice.of("abc", {"b"}, ()).moves
    assert Splice.of("abc", {"aa"}, ()).moves
    assert Splice.of("abc", (), {"c"}).moves


def test_what_came_in_one_place_is_one_run():
    assert Splice.of((), {"a", "b"}, ()).cuts == [Cut(0, 0, 2)]
    assert Splice.of("abc", {"a", "b"}, ()).cuts == [Cut(0, 2, 2)]
    # One that went and one that came beside it are not one that was replaced.
    assert Splice.of("ad", {"b"}, {"a"}).moves
