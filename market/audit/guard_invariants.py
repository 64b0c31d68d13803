"""Invariants of the database around the facts: guards that stand, and an application that may do no more than it needs.

Each query returns what breaks the sentence, as `(subject, expected, found)` texts.
"""

# ruff: noqa: S608 - statements are put together from the lists of guards and rights alone

from collections.abc import Iterable, Sequence

from market.audit.guards import (
    CHANGED,
    CHANGED_WHOLE,
    DELETED,
    GUARDING,
    GUARDS,
    MONTH_GUARDS,
    MONTHS,
    OWNERS_ALONE,
    OWNERS_SEQUENCES,
    READ_ALONE,
    SCHEMAS,
)
from market.audit.rules import Invariant
from market.db import APP_ROLE


def _values(rows: Iterable[Sequence[str]]) -> str:
    return ", ".join(f"({', '.join(_text(each) for each in row)})" for row in rows)


def _text(value: str) -> str:
    return f"'{value}'"


def _texts(values: Iterable[str]) -> str:
    return ", ".join(map(_text, values))


_TABLES = f"""
    SELECT c.oid, concat(n.nspname, '.', c.relname) AS name, c.relkind, c.relispartition
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname IN ({_texts(SCHEMAS)})
"""
_STATED = _values((table, guard) for table, guards in GUARDS.items() for guard in guards)
_CHANGES = (
    *((table, "DELETE", "") for table in DELETED),
    *((table, "UPDATE", "") for table in CHANGED_WHOLE),
    *((table, "UPDATE", column) for table, columns in CHANGED.items() for column in columns),
)
_OF_TABLES, _OF_COLUMNS = (
    ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"),
    ("SELECT", "INSERT", "UPDATE", "REFERENCES"),
)

GUARDING_INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "guards_stand",
        "every guard that the migrations put up is there as they put it, always on, and nothing else stands with them",
        "数据库迁移所设触发器及其函数全部存在、未经改动且始终启用,并无其他触发器",
        f"""
        WITH tables AS ({_TABLES}), stated (name, definition) AS (VALUES {_STATED}), required AS (
          SELECT name, definition FROM stated
           UNION ALL
          SELECT t.name, g.definition
            FROM pg_inherits i
            JOIN tables t ON t.oid = i.inhrelid
            CROSS JOIN (VALUES {_values((guard,) for guard in MONTH_GUARDS)}) AS g (definition)
           WHERE i.inhparent = '{MONTHS}'::regclass
        ), found AS (
          SELECT t.name, pg_get_triggerdef(g.oid) AS definition, g.tgenabled
            FROM pg_trigger g JOIN tables t ON t.oid = g.tgrelid
           WHERE NOT g.tgisinternal
        )
        SELECT coalesce(r.name, f.name), coalesce('always on: ' || replace(r.definition, '{{}}', r.name), 'no more'),
               coalesce(concat('state ', f.tgenabled, ': ', f.definition), 'missing')
          FROM required r
          FULL JOIN found f ON f.name = r.name AND f.definition = replace(r.definition, '{{}}', r.name)
         WHERE f.tgenabled IS DISTINCT FROM 'A' OR r.name IS NULL
        UNION ALL
        SELECT concat(s.name, '()'), s.sha256, coalesce(encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex'), 'missing')
          FROM (VALUES {_values(GUARDING.items())}) AS s (name, sha256)
          LEFT JOIN pg_proc p ON p.oid = to_regproc(s.name)
         WHERE p.oid IS NULL OR s.sha256 <> encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex')
        """,
    ),
    Invariant(
        "application_owns_nothing",
        "the application's role owns nothing, is nobody else, and may do no more than the migrations granted",
        "应用角色不拥有任何对象,不属于其他角色,权限不超出数据库迁移所授",
        f"""
        WITH tables AS ({_TABLES}), held AS (
          SELECT t.*, p.privilege, '' AS part
            FROM tables t CROSS JOIN unnest(ARRAY[{_texts(_OF_TABLES)}]) AS p (privilege)
           WHERE t.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_table_privilege('{APP_ROLE}', t.oid, p.privilege)
           UNION ALL
          SELECT t.*, p.privilege, a.attname
            FROM tables t
            JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
            CROSS JOIN unnest(ARRAY[{_texts(_OF_COLUMNS)}]) AS p (privilege)
           WHERE t.relkind IN ('r', 'p', 'v', 'm', 'f')
             AND has_column_privilege('{APP_ROLE}', t.oid, a.attnum, p.privilege)
             AND NOT has_table_privilege('{APP_ROLE}', t.oid, p.privilege)
           UNION ALL
          SELECT t.*, p.privilege, ''
            FROM tables t CROSS JOIN unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) AS p (privilege)
           WHERE CASE WHEN t.relkind = 'S' THEN has_sequence_privilege('{APP_ROLE}', t.oid, p.privilege) END
        ), granted (name, privilege, part) AS (VALUES {_values(_CHANGES)})
        SELECT concat_ws(' ', h.name, nullif(h.part, '')), 'no ' || h.privilege, h.privilege
          FROM held h LEFT JOIN granted g ON (g.name, g.privilege, g.part) = (h.name, h.privilege, h.part)
         WHERE g.name IS NULL AND NOT CASE
               WHEN h.relkind = 'S' THEN h.privilege = 'USAGE' AND h.name NOT IN ({_texts(OWNERS_SEQUENCES)})
               WHEN h.relispartition OR h.name IN ({_texts(OWNERS_ALONE)}) THEN false
               ELSE h.privilege = 'SELECT' OR h.privilege = 'INSERT' AND h.name NOT IN ({_texts(READ_ALONE)}) END
        UNION ALL
        SELECT pg_describe_object(classid, objid, objsubid), 'another owner', '{APP_ROLE}'
          FROM pg_shdepend d JOIN pg_database b ON d.dbid IN (0, b.oid) AND b.datname = current_database()
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = '{APP_ROLE}'::regrole AND d.deptype = 'o'
        UNION ALL
        SELECT n.nspname::text, 'no CREATE', 'CREATE'
          FROM pg_namespace n
         WHERE n.nspname IN ({_texts(SCHEMAS)}) AND has_schema_privilege('{APP_ROLE}', n.oid, 'CREATE')
        UNION ALL
        SELECT rolname::text, 'an ordinary role', 'superuser, replication or bypassing'
          FROM pg_roles WHERE rolname = '{APP_ROLE}' AND (rolsuper OR rolreplication OR rolbypassrls OR rolcreaterole)
        UNION ALL
        SELECT '{APP_ROLE}', 'a member of no role', roleid::regrole::text
          FROM pg_auth_members WHERE member = '{APP_ROLE}'::regrole
        """,
    ),
)
