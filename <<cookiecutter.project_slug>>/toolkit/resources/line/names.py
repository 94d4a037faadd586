"""Names of a resource or field in each place, and the reserved names there.

A name is written once, in snake case, and becomes a table, a module, a class, a URL. No keyword of SQL or Python may
break any of these, so a name reserved in Python gets a trailing underscore (PEP 8), which no written name can have,
and the table, the JSON and the URL keep the name as written.
"""

import keyword
import re
from collections.abc import Mapping

from toolkit.resources.line.errors import quote


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
NAME_RULE = "lower-case letters a-z, digits and single underscores, beginning with a letter"

# PostgreSQL truncates identifiers at 63 bytes. The longest name of a column is its index's, `ix_<table>_<column>_id`.
IDENTIFIER_LIMIT = 63
TABLE_LIMIT = 40
COLUMN_AFFIXES = len("ix___id")
# `fk_<table>_<column>_<table>`, and the shortest column that refers to another table.
REFERENCE_AFFIXES = len("fk___")
SHORTEST_REFERENCE = len("a_id")

# The word for rows that belong to their caller, and the column of the owner. Its indexes begin with that column.
OWNER, OWNER_COLUMN = "owner", "owner_id"
OWNED_TABLE_LIMIT = IDENTIFIER_LIMIT - len(f"ix__{OWNER_COLUMN}_created_at_id")
# The longest `sub` of a token (OpenID Connect Core, 2), in ASCII.
SUBJECT_LENGTH = 255

# Modules of the service's own layers, next to those of resources.
RESERVED_MODULES = frozenset(
    {"base", "common", "conftest", "decimals", "digits", "forms", "idempotency", "owned", "page"}
)
# Endpoint modules are imported by name into app/resources.py, which uses these names itself.
RESERVED_PLURAL_MODULES = frozenset({"tuple"})

# SQLAlchemy does not quote these, and PostgreSQL takes them for no table or column without quotes.
UNQUOTED_KEYWORDS = dict.fromkeys(
    ("collation", "concurrently", "lateral", "system_user", "tablesample"), "it is a keyword of PostgreSQL"
)

RESERVED_PLURALS: Mapping[str, str] = {
    **UNQUOTED_KEYWORDS,
    "health": "it is the path of a probe",
    "ready": "it is the path of a probe",
    "metrics": "it is the path that Prometheus scrapes",
    "docs": "it is the path of the API documentation",
    "redoc": "it is the path of the API documentation",
    "openapi": "it is the path of the OpenAPI document",
    "auth": "it is reserved for tokens and accounts",
    "idempotency_keys": "the service's table of Idempotency-Key headers has that name",
    "alembic_version": "Alembic's table of the current revision has that name",
}

RESERVED_FIELDS: Mapping[str, str] = {
    **UNQUOTED_KEYWORDS,
    "id": "every resource has it (UUIDv7, the primary key)",
    "created_at": "every resource has it, set by the service",
    "updated_at": "every resource has it, set by the service",
    "version": "every resource has it (it counts changes, for the ETag)",
    **dict.fromkeys(
        ("tableoid", "xmin", "xmax", "cmin", "cmax", "ctid"), "PostgreSQL has a system column of that name"
    ),
}

# Of a resource with `owner`.
RESERVED_OWNED_FIELDS: Mapping[str, str] = {
    OWNER: "the resource has an owner",
    OWNER_COLUMN: "every resource with `owner` has it, set by the service",
}

# PostgreSQL searches its own catalogue first, where every name has this prefix.
RESERVED_PLURAL_PREFIX = "pg_"

# Pydantic warns about every attribute with these prefixes, so a trailing underscore does not help.
RESERVED_FIELD_PREFIXES = ("model_dump", "model_validate")

# Query parameters of every list; a field of that name is filtered by `limit_`.
RESERVED_QUERY = frozenset({"limit", "cursor", "sort"})

# Attributes that would shadow an inherited one of a model or schema, or a name that a generated class body uses.
_PYDANTIC = _words(
    """
    construct copy dict from_orm json parse_file parse_obj parse_raw schema schema_json update_forward_refs validate
    model_computed_fields model_config model_construct model_copy model_extra model_fields model_fields_set
    model_json_schema model_parametrized_name model_post_init model_rebuild
    """
)
_SQLALCHEMY = frozenset({"metadata", "registry"})
_CLASS_BODY = _words(
    """
    str int float bool bytes list dict set tuple object property classmethod staticmethod super self cls dt sa orm
    pg base mapped_column pydantic typing fastapi app decimal uuid filters
    """
)
# PEP 8: easily confused with 1 (a lint error).
_AMBIGUOUS = frozenset({"l"})
RESERVED_ATTRIBUTES = _PYDANTIC | _SQLALCHEMY | _CLASS_BODY | _AMBIGUOUS

# Classes imported by generated modules, or built-in ones; the class of such a resource gets the suffix `Record`.
RESERVED_CLASSES = _words(
    """
    None True False Ellipsis NotImplemented Any Annotated Literal Self ClassVar Generic Protocol Enum StrEnum
    Decimal UUID Date DateTime Mapped Base BaseModel Model Field Schema Query Path Body Header Depends Request
    Response Router APIRouter Security Subject Session AsyncSession SessionDep Database Settings Page Problem
    Resource Service Crud Repository Table Column Index Constraint Statement Connection Check Select Insert Update
    Delete Integer String Text Boolean Float Numeric Uuid Json Exception BaseException Warning UserWarning
    Owned OwnedColumns OwnedCrud OwnedService
    RuntimeWarning ResourceWarning ImportWarning BytesWarning FutureWarning SyntaxWarning UnicodeWarning EncodingWarning
    DeprecationWarning PendingDeprecationWarning ArithmeticError AssertionError AttributeError BlockingIOError
    BrokenPipeError BufferError ChildProcessError ConnectionAbortedError ConnectionError ConnectionRefusedError
    ConnectionResetError EOFError EnvironmentError ExceptionGroup BaseExceptionGroup FileExistsError
    FileNotFoundError FloatingPointError GeneratorExit IOError ImportError IndentationError IndexError
    InterruptedError IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError ModuleNotFoundError
    NameError NotADirectoryError NotImplementedError OSError OverflowError PermissionError ProcessLookupError
    PythonFinalizationError RecursionError ReferenceError RuntimeError StopAsyncIteration StopIteration SyntaxError
    SystemError SystemExit TabError TimeoutError TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError
    UnicodeError UnicodeTranslateError ValueError ZeroDivisionError
    """
)

# Keywords of PostgreSQL 18 that may not stand for a column in every expression (pg_get_keywords, catcode not U).
SQL_KEYWORDS = _words(
    """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case
    cast char character check coalesce collate collation column concurrently constraint create cross current_catalog
    current_date current_role current_schema current_time current_timestamp current_user dec decimal default
    deferrable desc distinct do else end except exists extract false fetch float for foreign freeze from full grant
    greatest group grouping having ilike in initially inner inout int integer intersect interval into is isnull join
    json json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize
    json_table json_value lateral leading least left like limit localtime localtimestamp merge_action national
    natural nchar none normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay
    placing position precision primary real references returning right row select session_user setof similar
    smallint some substring symmetric system_user table tablesample then time timestamp to trailing treat trim true
    union unique user using values varchar variadic verbose when where window with xmlattributes xmlconcat
    xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
    """
)


def plural(name: str) -> str:
    """Return the regular English plural: category -> categories, box -> boxes, day -> days."""
    if re.search(r"[^aeiou_]y$", name):
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(("s", "x", "z", "ch", "sh")) else f"{name}s"


def module(name: str) -> str:
    """Return a module name that Python can import and that the service does not use: class -> class_, base -> base_."""
    return f"{name}_" if keyword.iskeyword(name) or name in RESERVED_MODULES else name


def plural_module(name: str) -> str:
    """Return the same for an endpoint module."""
    return f"{name}_" if name in RESERVED_PLURAL_MODULES else module(name)


def class_name(name: str) -> str:
    """Return the class name: order_item -> OrderItem; one that generated modules use gets a suffix: BaseRecord."""
    made = camel(name)
    return f"{made}Record" if made in RESERVED_CLASSES else made


def camel(name: str) -> str:
    """order_item -> OrderItem."""
    return "".join(part.capitalize() for part in name.split("_"))


def attribute(name: str) -> str:
    """Return the attribute of a model or schema for a column: from -> from_, copy -> copy_, price -> price."""
    return f"{name}_" if keyword.iskeyword(name) or name in RESERVED_ATTRIBUTES else name


def suggestion(name: str) -> str | None:
    """Return a valid name close to an invalid one (OrderItem -> order_item), or None if nothing valid remains."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    made = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_0123456789")
    return made if NAME.fullmatch(made) and len(made) <= TABLE_LIMIT else None


def fault(name: str, what: str) -> str | None:
    """Return why a name is invalid and what is valid, or None."""
    if NAME.fullmatch(name):
        return None
    made = suggestion(name)
    way = f"; did you mean `{made}`?" if made else ""
    return f"{quote(name)} is not a valid name for a {what}; expected {NAME_RULE}{way}"
