import json
from collections.abc import Iterator
from datetime import date
from itertools import pairwise, product
from typing import Any

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from market.catalog import queries, search
from market.catalog.models import Category, Product
from market.catalog.rules import Sort
from market.regions.models import Region
from tests import factories

CHINESE = st.text("交城骏枣骏乐业猕猴桃东坡底羊肚菌合作社黄芥子油环县肉羊一级", min_size=2, max_size=30)


def _terms(query: str) -> set[str]:
    return {term.removesuffix(":*").strip("'") for term in query.split(" & ") if term}


@given(CHINESE, st.data())
def test_any_part_of_a_chinese_text_asks_only_for_what_the_text_is_found_by(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    assert _terms(search.tsquery(text[start:end])) <= set(search.lexemes([text]))


def test_words_are_cut_by_the_dictionary_and_found_apart_from_each_other() -> None:
    assert _terms(search.tsquery("交城骏枣")) == {"交城", "骏枣"}
    assert _terms(search.tsquery("猴桃")) == {"猴桃"}
    assert _terms(search.tsquery("枣")) == {"枣"}


def test_latin_words_are_found_in_either_case_and_width_and_by_their_beginning() -> None:
    assert search.lexemes(["Shiitake 500G"]) == ["500g", "shiitake"]
    assert search.tsquery("ＳＨＩＩ") == "'shii':*"


def test_no_pair_spans_two_texts_and_text_without_letters_finds_nothing() -> None:
    assert "枣一" not in search.lexemes(["骏枣", "一级"])
    assert search.tsquery("'! & | :*") == ""


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_query_that_the_index_understands(text: str) -> None:
    for term in _terms(search.tsquery(text)):
        assert 0 < len(term) <= 40
        assert not set(term) & set("'\\ &|!<>()\0")


def _nodes(plan: Any) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from _nodes(below)


def _plan(session: orm.Session, statement: str, **values: object) -> list[dict[str, Any]]:
    explained = session.execute(sa.text(f"EXPLAIN (FORMAT JSON) {statement}"), values).scalar_one()
    explained = json.loads(explained) if isinstance(explained, str) else explained
    return list(_nodes(explained[0]["Plan"]))


def _fill(session: orm.Session) -> None:
    """3,000 products of one supplier, each with a name of its own, and the planner told of them."""
    supplier = factories.organisation(session)
    first = factories.product(session, supplier, name="骏枣")
    names = [
        "".join(letters)
        for letters in product("甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉", "山水田地林木禾谷豆麦", "红黄白")
    ]
    copied = [column.name for column in Product.__table__.columns if column.name not in ("id", "name", "search")]
    session.execute(
        sa.insert(Product).values(
            {name: getattr(first, name) for name in copied}
            | {
                "name": sa.bindparam("of"),
                "search": sa.func.array_to_tsvector(sa.bindparam("by", type_=postgresql.ARRAY(sa.Text))),
            }
        ),
        [{"of": name, "by": search.lexemes([name])} for name in names],
    )
    session.execute(sa.text("SET ROLE NONE"))
    session.execute(sa.text("ANALYZE products"))


def test_a_two_character_word_is_found_through_the_index_and_by_like_it_is_not(session: orm.Session) -> None:
    _fill(session)
    for mode in ("force_custom_plan", "force_generic_plan"):
        session.execute(sa.text(f"SET LOCAL plan_cache_mode = {mode}"))
        listing = queries._listing(frozenset({"tsquery"}), Sort.NAME, goes_on=False).text
        for word in ("骏枣", "丑禾"):
            used = _plan(session, listing, tsquery=search.tsquery(word), on=date(2026, 3, 2), limit=20)
            assert "products_search_idx" in {node.get("Index Name") for node in used}
            assert not [
                node for node in used if node["Node Type"] == "Seq Scan" and node["Relation Name"] == "products"
            ]
    like = _plan(session, "SELECT id FROM products WHERE name LIKE :pattern", pattern="%丑禾%")
    assert [node["Node Type"] for node in like] == ["Seq Scan"]


def test_every_two_neighbouring_characters_of_its_texts_find_a_product(session: orm.Session) -> None:
    supplier = factories.organisation(session)
    row = factories.product(session, supplier, name="鹿泉雪耳", specification="特级盒装", description="交城山区出产")
    texts = (row.name, row.specification, row.description)
    for first, second in (pair for text in texts for pair in pairwise(text)):
        found = session.scalar(
            sa.select(Product.id).where(
                Product.search.op("@@")(sa.cast(search.tsquery(first + second), postgresql.TSQUERY))
            )
        )
        assert found == row.id, first + second


def _found(session: orm.Session, words: str) -> set[str]:
    asked = sa.cast(search.tsquery(words), postgresql.TSQUERY)
    return set(session.scalars(sa.select(Product.name).where(Product.search.op("@@")(asked))))


def test_what_a_cooperative_is_named_after_does_not_find_its_other_products(session: orm.Session) -> None:
    supplier = factories.organisation(session, name="桃红坡香菇专业合作社")
    for name in ("黑木耳", "干香菇"):
        factories.product(session, supplier, name=name)
    assert _found(session, "香菇") == {"干香菇"}


def test_a_product_is_found_by_its_category_and_where_it_comes_from(session: orm.Session) -> None:
    supplier = factories.organisation(session, region_code="141122")
    session.add(Region(code="141122", name="交城县", valid_from=date(2020, 1, 1), valid_until=None))
    session.flush()
    row = factories.product(session, supplier, name="骏枣")
    category = session.get_one(Category, row.category_code).name
    for words in ("交城骏枣", f"{category}骏枣"):
        assert _found(session, words) == {"骏枣"}
