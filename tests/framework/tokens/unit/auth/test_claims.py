"""Audience and scopes in the claims and spellings of different providers."""

from typing import Any

import pytest

from app.auth.claims import MalformedClaim, ScopeRules, audiences_of, find_claim

NESTED: dict[str, Any] = {
    "realm_access": {"roles": ["a"]},
    "resource_access": {"my.shop": {"roles": ["b"]}, "my": {"shop": "other"}},
    "https://shop.example.com/roles": ["c"],
    "text": "d",
    "nothing": None,
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("realm_access.roles", ["a"]),
        ("resource_access.my.shop.roles", ["b"]),
        ("https://shop.example.com/roles", ["c"]),
        ("text", "d"),
        ("text.more", None),
        ("realm_access.role", None),
        ("realm_access.", None),
        ("roles", None),
        ("nothing", None),
    ],
)
def test_a_path_leads_to_a_claim(path: str, value: object) -> None:
    assert find_claim(NESTED, path) == value


@pytest.mark.parametrize(
    ("rules", "claims", "scopes"),
    [
        (ScopeRules(), {"scope": "a:read b:read"}, {"a:read", "b:read"}),
        (ScopeRules(), {"scp": ["a:read"]}, {"a:read"}),
        (ScopeRules(), {"scope": "a:read", "scp": "b:read"}, {"a:read", "b:read"}),
        (ScopeRules(), {}, set()),
        (ScopeRules(("roles",)), {"scope": "a:read"}, set()),
        (ScopeRules(prefix="shop/"), {"scope": "shop/a:read bank/a:write b:read"}, {"a:read"}),
        (
            ScopeRules(separator="."),
            {"scope": "a.read order.items.read openid"},
            {"a:read", "order.items:read", "openid"},
        ),
        (ScopeRules(prefix="https://x/", separator="/"), {"scope": "https://x/a/read"}, {"a:read"}),
        (
            ScopeRules(separator="."),
            {"scope": "a.b.read.all c.all d.write.all"},
            {"a.b:read:all", "c:all", "d.write:all"},
        ),
        (
            ScopeRules(roles={"viewer": ("a:read", "b:read")}),
            {"scope": "viewer c:read"},
            {"a:read", "b:read", "c:read"},
        ),
        (ScopeRules(prefix="p-", roles={"viewer": ("a:read",)}), {"scope": "p-viewer viewer"}, {"a:read"}),
    ],
)
def test_scopes_in_the_spelling_of_a_provider(rules: ScopeRules, claims: dict[str, Any], scopes: set[str]) -> None:
    assert rules.scopes_of(claims) == scopes


@pytest.mark.parametrize("value", [1, True, {"a": 1}, [1], ["a", None]])
def test_a_claim_of_another_type_is_malformed(value: object) -> None:
    with pytest.raises(MalformedClaim, match="scope"):
        ScopeRules().scopes_of({"scope": value})
    with pytest.raises(MalformedClaim, match="aud"):
        audiences_of({"aud": value}, "aud")


def test_an_audience_is_one_string_or_several() -> None:
    assert audiences_of({"aud": "a b"}, "aud") == {"a b"}
    assert audiences_of({"aud": ["a", "b"]}, "aud") == {"a", "b"}
    assert audiences_of({}, "aud") == frozenset()


@pytest.mark.parametrize("rules", [ScopeRules(), ScopeRules(prefix="shop/", separator=".")])
def test_a_scope_survives_the_spelling(rules: ScopeRules) -> None:
    for scope in ("order-items:read", "order-items:read:all"):
        assert rules.scopes_of({"scope": rules.spelt(scope)}) == {scope}
