"""The chain of a study's answers: one that was changed, or taken out, is found.

Each answer has a digest of all that it says, and the study's answers, in the order in which they
were stored, are linked: a link is the sha256 of the one before and of the digest. The first one is
the study itself: its seed, its blinding and its heatmaps. Who can write the database can build a
whole chain anew; who noted down its last link finds that too, see `check_answers`.

What tells of a person (login, session, comment) has a digest of its own: it can be erased, and the
rest still be checked. The session is random, so that the digest tells nothing of what was erased.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, select

from xraycore.reader_study import tables
from xraycore.reader_study.database import translate_errors
from xraycore.reader_study.records import Author

# Of the way in which an answer is written out to be digested.
_FORM = "xraycore answer 1"


@dataclass(frozen=True)
class ChainCheck:
    """What a study's chain says.

    Attributes:
        study: Its id.
        name: Its name.
        answers: How many are stored, all versions together.
        erased: How many of them a reader's name and words were erased of.
        unlinked: How many are of before there was a chain, and cannot be checked.
        head: The last link; "" where there is none. Noted down elsewhere, it proves that nothing
            up to here was changed since.
        faults: What is wrong, in words; empty where nothing is.
    """

    study: int
    name: str
    answers: int = 0
    erased: int = 0
    unlinked: int = 0
    head: str = ""
    faults: tuple[str, ...] = ()


def digest_private(author: str, session: str, comment: str) -> str:
    """Of what tells of a person, and may be erased."""
    return _digest([_FORM, author, session, comment])


def digest_answer(row: Mapping[str, Any], private_digest: str) -> str:
    """Of all that a row of `tables.reviews` says, what tells of a person by its own digest."""
    return _digest(
        [
            *(_FORM, private_digest, row["item_id"], row["reader_id"], row["version"]),
            *(bool(row["final"]), row["verdict"], row["grade"], row["boxes"]),
            *(bool(row["no_finding"]), row["boxes_before_heat"], row["seconds"]),
            row["saved"].isoformat(),
        ]
    )


def seal(
    connection: Connection, study_id: int, row: Mapping[str, Any], author: Author, comment: str
) -> dict[str, Any]:
    """An answer's row with who stored it and its place in the chain of its study."""
    private = digest_private(author.login, author.session, comment)
    digest = digest_answer(row, private)
    return {
        **row,
        "comment": comment,
        "author": author.login,
        "session": author.session,
        "private_digest": private,
        "digest": digest,
        "chain": next_link(last_link(connection, study_id), digest),
    }


def next_link(before: str, digest: str) -> str:
    """The link of an answer, from the one before it."""
    return hashlib.sha256(f"{before}{digest}".encode()).hexdigest()


def last_link(connection: Connection, study_id: int) -> str:
    """What the next answer of a study is linked to."""
    newest = (
        select(tables.reviews.c.chain)
        .join(tables.items)
        .where(tables.items.c.study_id == study_id, tables.reviews.c.chain.is_not(None))
        .order_by(tables.reviews.c.id.desc())
        .limit(1)
    )
    return connection.execute(newest).scalar() or first_link(connection, study_id)


def first_link(connection: Connection, study_id: int) -> str:
    """What the first answer of a study is linked to: what it asks."""
    study, item = tables.studies.c, tables.items.c
    asked = connection.execute(
        select(study.id, study.seed, study.blinded).where(study.id == study_id)
    ).one()
    heatmaps = connection.execute(
        select(item.id, item.sha256, item.model, item.method, item.target, item.weights)
        .where(item.study_id == study_id)
        .order_by(item.position)
    )
    return _digest([_FORM, asked.id, asked.seed, bool(asked.blinded), *map(list, heatmaps)])


def check_answers(engine: Engine, since: Mapping[int, str] | None = None) -> list[ChainCheck]:
    """Whether the answers of each study are those that were given, study by study.

    Args:
        engine: See `open_database`.
        since: Last links that were noted down before, by the study's id: each must still be there.

    Raises:
        ReaderStudyError: If the database cannot be read.
    """
    noted = dict(since or {})
    with translate_errors(engine.url), engine.begin() as connection:
        studies = connection.execute(
            select(tables.studies.c.id, tables.studies.c.name).order_by(tables.studies.c.id)
        ).all()
        checks = [_check(connection, *study, noted.pop(study.id, "")) for study in studies]
    lost = (ChainCheck(study, "", faults=("the study is gone",)) for study in noted)
    return [*checks, *lost]


def _check(connection: Connection, study_id: int, name: str, noted: str) -> ChainCheck:
    rows = connection.execute(
        select(tables.reviews)
        .join(tables.items)
        .where(tables.items.c.study_id == study_id)
        .order_by(tables.reviews.c.id)
    ).mappings()
    before = first_link(connection, study_id)
    versions: dict[tuple[int, int], int] = {}
    links: list[str] = []
    faults: list[str] = []
    answers = unlinked = erased = 0
    for row in rows:
        answers += 1
        what = f"answer {row['id']}"
        key = row["item_id"], row["reader_id"]
        if row["version"] != versions.get(key, 0) + 1:
            faults.append(f"{what}: a version before it is missing")
        versions[key] = row["version"]
        if row["chain"] is None:
            unlinked += 1
            if links:
                faults.append(f"{what}: it is in no chain, and those before it are")
            continue
        faults += (f"{what}: {fault}" for fault in _faults(dict(row), before))
        erased += row["erased"] is not None
        before = row["chain"]
        links.append(before)
    if noted and noted not in links:
        faults.append("the link that was noted down is no longer there")
    head = links[-1] if links else ""
    return ChainCheck(
        study_id, name, answers, unlinked=unlinked, erased=erased, head=head, faults=tuple(faults)
    )


def _faults(row: Mapping[str, Any], before: str) -> Collection[str]:
    found = []
    private = digest_private(row["author"], row["session"], row["comment"])
    if row["erased"] is None and private != row["private_digest"]:
        found.append("its author, session or comment was changed")
    if digest_answer(row, row["private_digest"] or "") != row["digest"]:
        found.append("what it says was changed")
    if next_link(before, row["digest"] or "") != row["chain"]:
        found.append("it does not follow the one before: one was changed, added or taken out")
    return found


def _digest(said: list) -> str:
    text = json.dumps(said, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
