"""Which film goes into which shard."""

import pytest

from xraycore.errors import ArgumentError
from xraycore.scoring.listing import ListedFilm
from xraycore.scoring.plan import FILE, Plan


def films(names):
    return [ListedFilm(name, f"/films/{name}") for name in names]


def shards(plan):
    return [[film.id for film in plan.films_of(shard)] for shard in plan.shards()]


def test_films_are_parted_in_the_order_of_their_ids(tmp_path):
    with Plan(tmp_path) as plan:
        assert plan.add(films("edcba"), shards=2) == 5
        assert shards(plan) == [["a", "b", "c"], ["d", "e"]]
        assert [shard.name for shard in plan.shards()] == ["part-000001", "part-000002"]


def test_a_list_that_has_grown_adds_shards_and_changes_none(tmp_path):
    with Plan(tmp_path) as plan:
        plan.add(films("bd"), shards=1)
    with Plan(tmp_path) as plan:
        assert plan.add(films("abcde"), shards=2) == 3
        assert shards(plan) == [["b", "d"], ["a", "c"], ["e"]]
        assert plan.add(films("abcde")) == 0
        assert plan.count() == 5


def test_of_two_films_of_one_id_the_first_is_taken(tmp_path):
    with Plan(tmp_path) as plan:
        assert plan.add([ListedFilm("1.2", "/one"), ListedFilm("1.2", "/other")]) == 1
        (shard,) = plan.shards()
        assert plan.films_of(shard) == [ListedFilm("1.2", "/one")]


def test_a_thousand_films_make_a_shard(tmp_path):
    with Plan(tmp_path) as plan:
        plan.add(ListedFilm(f"{n:05d}", "/film") for n in range(2001))
        assert [len(shard.films) for shard in plan.shards()] == [1000, 1000, 1]


def test_a_list_that_breaks_off_plans_nothing(tmp_path):
    def broken():
        yield from films("ab")
        raise ArgumentError("the list ends here")

    with Plan(tmp_path) as plan, pytest.raises(ArgumentError):
        plan.add(broken())
    with Plan(tmp_path) as plan:
        assert plan.count() == 0
        assert plan.add(films("ab")) == 2


def test_a_file_that_is_no_plan_is_said(tmp_path):
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    with pytest.raises(ArgumentError, match="expected a plan of shards"):
        Plan(tmp_path)
