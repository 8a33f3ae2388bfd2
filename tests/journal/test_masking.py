"""Masking: no secret is written, and nothing else is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_runner.journal.masking import MASK, is_secret, masked, masked_text
from tests.journal.strategies import objects


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "Authorization",
        "x-api-key",
        "X_API_KEY",
        "api_key",
        "apikey",
        "authorization_token",
        "auth-token",
        "authToken",
        "auth",
        "oauth",
        "token",
        "bearer",
        "passwd",
        "passphrase",
        "pwd",
        "credential",
        "credentials",
        "clientSecret",
        "private_key",
        "aws.secret.access.key",
        "X-Session-Token",
    ],
)
def test_a_text_under_a_secrets_name_is_masked(name):
    """Whatever the case and the hyphens, at any depth."""
    assert {"a": [{name: MASK}]} == masked({"a": [{name: "hush"}]})


def test_lists_of_secrets_are_masked():
    """One name, several values."""
    assert {"cookie": [MASK, MASK]} == masked({"cookie": ["a", b"b"]})


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"max_tokens": 9},
        {"token_budget": "x"},
        {"properties": {"password": {"type": 3}}},
        {"usage": {"input_tokens": 9, "cache_read_input_tokens": "many", "tokens": ["a"]}},
        {"context_token_threshold": "x", "token_count": "9", "author": "A. U. Thor", "keyboard": "qwerty"},
        {"schema": {"properties": {"password": {"type": "string"}, "token": {"type": "string"}}}},
        {"url": "https://h/a?max_tokens=9&monkey=x&page=2#top", "mail": "someone@example.org"},
        {"system": "The bearer of bad news has a basic key-value store; sk-ant is a prefix, AKIA another."},
    ],
)
def test_what_holds_no_secret_stays_the_same_object(params):
    """A hash over it can be remembered by identity."""
    assert masked(params) is params


def test_the_callers_parameters_are_not_changed():
    """Masking makes a copy."""
    params = {"headers": {"x-api-key": "hush"}}
    masked(params)

    assert {"headers": {"x-api-key": "hush"}} == params


def test_all_that_stands_under_a_secrets_name_is_masked():
    """Whatever it is and however deep; numbers and flags stay."""
    given = {"auth": {"type": "x", "value": [{"deep": "hush", "n": 1}], "raw": b"hush", "on": True}, "max_tokens": 9}
    expected = {"auth": {"type": MASK, "value": [{"deep": MASK, "n": 1}], "raw": MASK, "on": True}, "max_tokens": 9}

    assert expected == masked(given)


LONG = "Ab1" * 20
KEYS = [
    f"sk-ant-api03-{LONG}",
    f"sk-proj-{LONG}",
    "AKIAIOSFODNN7EXAMPLE",
    f"ghp_{LONG[:36]}",
    f"github_pat_{LONG}",
    f"glpat-{LONG[:20]}",
    "xoxb-123456789012-abcdefghijkl",
    f"AIza{LONG[:35]}",
    f"ya29.{LONG}",
    f"sk_live_{LONG[:24]}",
    f"whsec_{LONG[:32]}",
    f"eyJhbGciOiJIUzI1NiJ9.eyJ{LONG}.{LONG}",
    f"hf_{LONG[:34]}",
    f"npm_{LONG[:36]}",
    f"SG.{LONG[:22]}.{LONG[:43]}",
    "123456789:AA" + LONG[:33],
    f"-----BEGIN RSA PRIVATE KEY-----\n{LONG}\n-----END RSA PRIVATE KEY-----",
]
"""One of each form that is known; none of them opens anything."""


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key[:8])
def test_a_key_of_a_known_form_is_masked_wherever_it_stands(key):
    """In the middle of a text, in a list, in a URL; the rest of the text stays."""
    assert f"the key '{MASK}', that is" == masked_text(f"the key '{key}', that is")
    assert {"system": [{"text": f"Use {MASK}."}]} == masked({"system": [{"text": f"Use {key}."}]})
    assert LONG not in masked_text(f"https://h/{key}/x") or "PRIVATE" in key


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://user:hush@h:8/p", f"https://{MASK}@h:8/p"),
        ("https://hush@h/p?q=a@b", f"https://{MASK}@h/p?q=a@b"),
        ("https://h/sse?api_key=hush&x=1", f"https://h/sse?api_key={MASK}&x=1"),
        ("https://h/sse?x=1&key=hush#frag", f"https://h/sse?x=1&key={MASK}#frag"),
        ("https://h/?X-Amz-Signature=hush&sig=hush", f"https://h/?X-Amz-Signature={MASK}&sig={MASK}"),
        ("https://h/#access_token=hush", f"https://h/#access_token={MASK}"),
        ("postgres://u:hush@h/db: refused", f"postgres://{MASK}@h/db: refused"),
    ],
)
def test_what_a_url_holds_of_users_and_keys_is_masked(url, expected):
    """Also within a longer text; the rest of the address tells where it leads."""
    assert expected == masked_text(url)
    assert {"mcp_servers": [{"url": expected}]} == masked({"mcp_servers": [{"url": url}]})
    assert f"Cannot reach {expected}" == masked_text(f"Cannot reach {url}")


@given(params=objects, key=st.sampled_from(KEYS), name=st.sampled_from(["token", "url", "auth", "x"]))
def test_what_is_masked_stays_as_it_is(params, key, name):
    """Whoever has only the journal must come to the same hash; and no key of a known form is left."""
    once = masked({**params, name: {"in": [f"https://{key}@h/?token={key}", key]}})

    assert once is masked(once)
    assert key not in str(once)


def test_numbers_of_tokens_are_no_secrets():
    """As the API calls them."""
    counts = [
        "max_tokens",
        "input_tokens",
        "output_tokens",
        "cache_creation_input_tokens",
        "budget_tokens",
        "maxTokens",
    ]

    assert [] == [name for name in counts if is_secret(name)]
