"""What a study lead does: invites readers, finishes the study; and who is invited."""

import hashlib
import secrets
from datetime import UTC, datetime

from sqlalchemy import Connection, Row, select, update

from xraycore.errors import ReaderStudyError
from xraycore.reader_study import tables
from xraycore.reader_study.names import look_alike, tidy_name
from xraycore.reader_study.records import Event, Invitation, Reader, Study
from xraycore.reader_study.store import Store, insert_row

INVITED, UNBLINDED, FINISHED = "invited", "unblinded", "finished"
# Bits of a link's secret.
_BITS = 128


class StudyLead(Store):
    """The acts of a study lead; each is kept with who did it and when."""

    def invite(
        self, study: Study, name: str, *, login: str = "", who: str = ""
    ) -> tuple[Reader, str | None]:
        """Invites a reader; one who is invited already gets a new link, and the old one ends.

        Args:
            study: Which.
            name: Of the reader, as results show it; another than those of all others.
            login: What the sign-in knows him by; "" for a reader with a link.
            who: Login of the lead.

        Returns:
            The reader, and the secret of his link, which is kept nowhere; None for one with a
            login.

        Raises:
            ReaderStudyError: If the name looks like another reader's, or is known by another
                login, or the study is finished.
        """
        name, login = tidy_name(name, "a reader"), login.strip()
        token = None if login else secrets.token_urlsafe(_BITS // 8)
        with self._write() as connection:
            _refuse_finished(connection, study)
            reader = find_or_add_reader(connection, name, login)
            known = _find_invitation(connection, study, reader)
            row = {"token_sha256": hash_token(token) if token else None, "made": datetime.now(UTC)}
            if known is None:
                ids = {"study_id": study.id, "reader_id": reader.id}
                insert_row(connection, tables.invitations, **ids, **row)
            else:
                this = tables.invitations.c.id == known.id
                connection.execute(update(tables.invitations).where(this).values(row))
            _note(connection, study, f"{INVITED} reader {reader.id}", who)
        return reader, token

    def finish(self, study: Study, *, who: str = "") -> Study:
        """Ends the reading: answers are locked from now on, and the results are its readers' too.

        A study that is finished stays as it is.
        """
        now = datetime.now(UTC)
        with self._write() as connection:
            changed = connection.execute(
                update(tables.studies)
                .where(tables.studies.c.id == study.id, tables.studies.c.finished.is_(None))
                .values(finished=now)
            )
            if changed.rowcount:
                _note(connection, study, FINISHED, who)
        return self.study(study.id)

    def unblind(self, study: Study, *, who: str = "") -> None:
        """Keeps that somebody looks at results, which name the networks, while others read."""
        with self._write() as connection:
            _note(connection, study, UNBLINDED, who)

    def study(self, study_id: int) -> Study:
        """The study as it is now.

        Raises:
            ReaderStudyError: If there is none.
        """
        with self._read() as connection:
            row = connection.execute(
                select(*tables.study_columns).where(tables.studies.c.id == study_id)
            ).first()
        if row is None:
            raise ReaderStudyError("there is no such study. Reload the page")
        return Study(*row)

    def invitations(self, study: Study) -> list[Invitation]:
        """Who is invited, by name."""
        readers, invitations = tables.readers.c, tables.invitations.c
        with self._read() as connection:
            rows = connection.execute(
                select(readers.id, readers.name, readers.login, invitations.made)
                .join_from(tables.invitations, tables.readers)
                .where(invitations.study_id == study.id)
                .order_by(readers.key)
            )
            return [Invitation(Reader(row.id, row.name), row.login or "", row.made) for row in rows]

    def invited(self, study: Study, *, login: str = "", token: str = "") -> Reader | None:
        """The reader who is invited to a study under a login, or who holds a link's secret."""
        invitations = tables.invitations.c
        if token:
            held = invitations.token_sha256 == hash_token(token)
        elif login:
            held = tables.readers.c.login == login
        else:
            return None
        with self._read() as connection:
            row = connection.execute(
                select(tables.readers.c.id, tables.readers.c.name)
                .join_from(tables.invitations, tables.readers)
                .where(invitations.study_id == study.id, held)
            ).first()
        return Reader(*row) if row else None

    def events(self, study: Study) -> list[Event]:
        """What was done to a study, the first first."""
        event = tables.events.c
        with self._read() as connection:
            rows = connection.execute(
                select(event.kind, event.who, event.at)
                .where(event.study_id == study.id)
                .order_by(event.id)
            )
            return [Event(*row) for row in rows]


def hash_token(token: str) -> str:
    """What is kept of a link's secret: nobody who reads the database can open the link."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def refuse_look_alikes(connection: Connection, name: str) -> None:
    """Refuses a new reader's name that looks like another's.

    The same name, which another process may have added since it was looked for, is no look-alike:
    the database has it once.

    Raises:
        ReaderStudyError: If one does.
    """
    wanted = look_alike(name)
    for other in connection.execute(select(tables.readers.c.name)).scalars():
        if other.casefold() != name.casefold() and look_alike(other) == wanted:
            raise ReaderStudyError(
                f"the name {name!r} looks like that of another reader: choose another"
            )


def find_or_add_reader(connection: Connection, name: str, login: str = "") -> Reader:
    """The reader of this name and login; a new one where there is none.

    Raises:
        ReaderStudyError: If one of the two is another reader's, or the name looks like another's.
    """
    reader = tables.readers.c
    same = reader.key == name.casefold()
    # Not `login == None`, which is true of every reader without one.
    same = same | (reader.login == login) if login else same
    known = connection.execute(
        select(reader.id, reader.name, reader.key, reader.login).where(same)
    ).all()
    for one in known:
        if one.key == name.casefold() and (one.login or "") == login:
            return Reader(one.id, one.name)
    if known:
        what = "name" if known[0].key == name.casefold() else "login"
        raise ReaderStudyError(f"this {what} is another reader's already, named {known[0].name!r}")
    refuse_look_alikes(connection, name)
    row = {"name": name, "key": name.casefold(), "login": login or None}
    return Reader(insert_row(connection, tables.readers, **row), name)


def _find_invitation(connection: Connection, study: Study, reader: Reader) -> Row | None:
    invitations = tables.invitations.c
    return connection.execute(
        select(invitations.id).where(
            invitations.study_id == study.id, invitations.reader_id == reader.id
        )
    ).first()


def _refuse_finished(connection: Connection, study: Study) -> None:
    finished = select(tables.studies.c.finished).where(tables.studies.c.id == study.id)
    if connection.execute(finished).scalar() is not None:
        raise ReaderStudyError("this study is finished: nobody else can be invited")


def _note(connection: Connection, study: Study, kind: str, who: str) -> None:
    row = {"study_id": study.id, "kind": kind, "who": who, "at": datetime.now(UTC)}
    insert_row(connection, tables.events, **row)
