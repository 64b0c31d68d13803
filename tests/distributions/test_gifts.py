"""What a collective gave at one place, time after time, is told apart when some of it falls and some is confirmed."""

from hypothesis import given
from hypothesis import strategies as st

from market.distributions.gifts import still_given

FIRST, SECOND, THIRD = (f"second_distribution:{name}" for name in "abc")


def test_what_falls_falls_of_what_was_given_last() -> None:
    assert still_given([]) == {}
    assert still_given([(FIRST, 80), (SECOND, 50)]) == {FIRST: 80, SECOND: 50}
    assert still_given([(FIRST, 80), (SECOND, 50), ("return:x", -30)]) == {FIRST: 80, SECOND: 20}
    assert still_given([(FIRST, 80), (SECOND, 50), ("return:x", -65)]) == {FIRST: 65, SECOND: 0}


def test_what_fell_before_more_was_given_fell_of_what_was_given_before() -> None:
    moved = [(FIRST, 80), (SECOND, 50), ("return:x", -65), (THIRD, 6), (THIRD, 4)]
    assert still_given(moved) == {FIRST: 65, SECOND: 0, THIRD: 10}, "in two parts, as it was of two"
    assert still_given([*moved, ("unrecognition:x", -70)]) == {FIRST: 5, SECOND: 0, THIRD: 0}


def test_what_is_confirmed_is_no_longer_there_to_fall() -> None:
    moved = [(FIRST, 80), (SECOND, 50), ("second_confirmation:b", -50)]
    assert still_given(moved) == {FIRST: 80}
    assert still_given([*moved, ("return:x", -65), (THIRD, 10)]) == {FIRST: 15, THIRD: 10}


def test_what_comes_back_when_an_advance_is_claimed_is_of_what_fell() -> None:
    assert still_given([(FIRST, 80), ("unrecognition:x", -30), ("matching:x", 20)]) == {FIRST: 70}


@given(st.lists(st.tuples(st.sampled_from([*"abc", "return", "confirm a", "confirm b"]), st.integers(1, 99))))
def test_never_more_of_each_than_it_gave_and_of_all_than_stands(moves: list[tuple[str, int]]) -> None:
    moved: list[tuple[str, int]] = []
    gave: dict[str, int] = {}
    for name, fen in moves:
        stands, left = sum(each for _, each in moved), still_given(moved)
        assert sum(left.values()) == stands
        source = f"second_distribution:{name[-1]}"
        if name == "return":
            moved.append((f"return:{len(moved)}", -min(fen, stands)))
        elif name in "abc" and source not in gave:
            gave[source] = fen
            moved.append((source, fen))
        elif name.startswith("confirm") and left.get(source):
            moved.append((f"second_confirmation:{name[-1]}", -left[source]))
            assert still_given(moved) == {each: part for each, part in left.items() if each != source}
        assert all(part <= gave[each] for each, part in left.items())
