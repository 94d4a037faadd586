"""The table from SQLSTATE to an answer."""

from typing import Any

import asyncpg
import pytest
from sqlalchemy import exc as sqlalchemy_errors

from app.core.exceptions import Problem
from app.db.sqlstate import Fault, classify, describe


@pytest.mark.parametrize(
    ("sqlstate", "status", "code"),
    [
        ("23505", 409, "not_unique"),
        ("23P01", 409, "not_unique"),
        ("23503", 409, "reference_missing"),
        ("23001", 409, "still_referenced"),
        ("23502", 422, "missing"),
        ("23514", 422, "check_failed"),
        ("22003", 422, "value_out_of_range"),
        ("22001", 422, "value_too_long"),
        ("22007", 422, "value_malformed"),
        ("22008", 422, "value_out_of_range"),
        ("22009", 422, "value_out_of_range"),
        ("22P02", 422, "value_malformed"),
        ("22021", 422, "character_not_allowed"),
        ("22P05", 422, "character_not_allowed"),
        ("", 422, "value_out_of_range"),
        ("57014", 503, "database_timeout"),
        ("55P03", 503, "database_timeout"),
        ("25P03", 503, "database_timeout"),
        ("40001", 503, "contention"),
        ("40P01", 503, "contention"),
        ("25006", 503, "database_unavailable"),
        ("57P01", 503, "database_unavailable"),
        ("57P03", 503, "database_unavailable"),
        ("08006", 503, "database_unavailable"),
        ("28P01", 503, "database_unavailable"),
        ("3D000", 503, "database_unavailable"),
        ("53300", 503, "database_unavailable"),
    ],
)
def test_the_problem_for_each_sqlstate(sqlstate: str, status: int, code: str) -> None:
    problem = classify(Fault(sqlstate))
    assert isinstance(problem, Problem)
    assert (problem.status, problem.code) == (status, code)
    assert problem.detail
    assert ("Retry-After" in problem.headers) == (status == 503)


@pytest.mark.parametrize("sqlstate", ["42601", "42P01", "42703", "22012", "25P02", "XX000", "0A000", "P0001"])
def test_what_is_this_services_own_fault(sqlstate: str) -> None:
    assert classify(Fault(sqlstate)) is None


@pytest.mark.parametrize(
    ("fault", "pointers"),
    [
        (Fault("23505", "uq_users_email", "users", None, "Key (email)=(a@b) already exists."), ["#/email"]),
        (Fault("23505", "uq_users_email", "users"), ["#/email"]),
        (
            Fault("23505", "uq_users_first_name", "users", None, "Schlüssel »(first_name)=(x)« existiert"),
            ["#/first_name"],
        ),
        (Fault("23505", "other", "t", None, 'Key (a, "order")=(1, 2) already exists.'), ["#/a", "#/order"]),
        (Fault("23505", "other", "t", None, "Key (a, b, c)=(1, 2, 3) already exists."), ["#/a", "#/b", "#/c"]),
        (Fault("23505", "other", "t"), []),
        (
            Fault("23503", "fk_reviews_product_id_products", "reviews", None, "Key (product_id)=(x) is"),
            ["#/product_id"],
        ),
        (Fault("23503", "other", "t"), []),
        (Fault("23502", None, "products", "price"), ["#/price"]),
        (Fault("23502", None, "products"), []),
    ],
)
def test_the_field_is_named(fault: Fault, pointers: list[str]) -> None:
    problem = classify(fault)
    assert problem is not None
    assert [error["pointer"] for error in problem.errors] == pointers


def test_the_values_are_not_repeated() -> None:
    problem = classify(Fault("23505", "uq_users_email", "users", None, "Key (email)=(hidden-word) already exists."))
    assert problem is not None
    assert b"hidden-word" not in problem.body("/")


def test_a_foreign_key_has_two_directions() -> None:
    fault = Fault("23503", "fk_reviews_product_id_products", "reviews", None, "Key (id)=(x) is still referenced")
    problem = classify(fault, deleting=True)
    assert problem is not None
    assert problem.code == "still_referenced"
    assert "reviews" in str(problem.detail)


def test_a_check_is_named_without_its_prefix() -> None:
    problem = classify(Fault("23514", "ck_products_price_positive", "products"))
    assert problem is not None
    assert "rule `price_positive`" in str(problem.detail)


def postgres_error(**fields: str) -> asyncpg.PostgresError:
    error = asyncpg.UniqueViolationError("duplicate key")
    for name, value in fields.items():
        setattr(error, name, value)
    return error


def wrapped(error: BaseException) -> sqlalchemy_errors.DBAPIError:
    """As SQLAlchemy's dialect wraps what asyncpg raises."""

    class AdaptError(Exception):
        sqlstate = "23505"

    adapted = AdaptError()
    adapted.__cause__ = error
    return sqlalchemy_errors.IntegrityError("INSERT", {}, adapted)


@pytest.mark.parametrize("wrap", [lambda error: error, wrapped])
def test_errors_are_read_with_and_without_sqlalchemy(wrap: Any) -> None:
    error = wrap(postgres_error(constraint_name="uq_users_email", table_name="users"))
    assert describe(error) == Fault("23505", "uq_users_email", "users")


@pytest.mark.parametrize("error", [ValueError(), sqlalchemy_errors.TimeoutError(), wrapped(OSError())])
def test_other_errors_are_none_of_postgresqls(error: BaseException) -> None:
    assert describe(error) is None
