"""Secrets that a server repeats: masked in whatever becomes ours, and names and ids stay as they are."""

from __future__ import annotations

import base64
import html
import json
import logging
import marshal
import re
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_backup.cloud.client import BackupCloud
from airflow_provider_backup.cloud.errors import BackupError
from airflow_provider_backup.cloud.http.known_secrets import KnownSecrets, secrets_of_proxy
from airflow_provider_backup.cloud.services.cbr.models import PolicyUpdate
from airflow_provider_backup.cloud.settings import (
    AccessKeyCredentials,
    Credentials,
    PasswordCredentials,
)
from tests.cloud.clients import network, settings_for
from tests.cloud.recording_proxy import running_proxy
from tests.cloud.unruly_server import UnrulyServer, answer, running

AWKWARD = 'VERY-SECRET/+="\\&<ß '
SPECIAL = "VERY-SECRET/+=&%"

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent-encoded": lambda text: quote(text, safe=""),
    "percent-encoded, but slashes": quote,
    "percent-encoded in lower case": lambda text: re.sub("%..", lambda each: each[0].lower(), quote(text, safe="")),
    "as a form": quote_plus,
    "escaped as JSON": lambda text: json.dumps(text)[1:-1],
    "escaped as JSON with letters": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "escaped as PHP does": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "escaped as HTML": html.escape,
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_masked_in_every_form(form: str) -> None:
    repeated = FORMS[form](AWKWARD)
    assert KnownSecrets([AWKWARD]).masked(f"it said {repeated}!") == "it said ***!"


@given(st.text(min_size=4), st.text(), st.text(), st.sampled_from(sorted(FORMS)))
def test_any_secret_is_masked_in_any_text(secret: str, before: str, after: str, form: str) -> None:
    try:
        repeated = FORMS[form](secret)
    except UnicodeEncodeError:
        return
    masked = KnownSecrets([secret]).masked(f"{before}{repeated}{after}")
    assert repeated not in masked or repeated in "***"


@given(st.text(min_size=4), st.sampled_from(sorted(FORMS)))
def test_any_secret_is_found_in_a_document_that_holds_it(secret: str, form: str) -> None:
    document = f"[{FORMS[form](secret)}]"
    (masked,) = KnownSecrets([secret]).masked_content([document], document.encode())
    assert masked == "[***]" or secret in "[***]" or "***" in masked


def test_a_secret_of_a_few_characters_does_not_shred_every_text() -> None:
    assert KnownSecrets(["a", "", None]).masked("a banana") == "a banana"


def test_the_longer_of_two_secrets_is_masked_whole() -> None:
    assert KnownSecrets(["secret", "secret-and-more"]).masked("secret-and-more, secret") == "***, ***"


@pytest.mark.parametrize("cut", [24, 100, 2000])
def test_a_token_that_a_server_has_cut_is_masked(cut: int) -> None:
    token = "MII" + "abcdefghij/+" * 200
    assert KnownSecrets([token]).masked(f"too long: {token[:cut]}... and {token[:cut]}") == "too long: ***... and ***"


def test_a_token_that_a_server_has_cut_is_masked_in_rows_too() -> None:
    token = "MII/abcdefgh/" + "stuvwxyzabcdefghijklmnop/" * 200
    reason = f"too long: {token[:100]}..."
    assert content_of([{"fail_reason": reason}], token) == [{"fail_reason": "too long: ***..."}]


def test_old_tokens_are_forgotten_and_lasting_secrets_are_not() -> None:
    secrets = KnownSecrets(["lasting"])
    secrets.know_for_now(*(f"token-{number}" for number in range(1000)))
    assert secrets.masked("lasting token-999 token-1") == "*** *** token-1"


def test_the_secrets_of_one_request_are_not_kept() -> None:
    secrets = KnownSecrets(["lasting"])
    assert secrets.and_also("signature").masked("lasting signature") == "*** ***"
    assert secrets.masked("lasting signature") == "*** signature"


@pytest.mark.parametrize(
    ("proxy", "secrets"),
    [
        (None, ()),
        ("http://proxy:3128", ()),
        ("http://me@proxy:3128", ()),
        ("http://me:p%40ss@proxy:3128", ("me:p@ss", "p@ss")),
    ],
)
def test_the_secrets_of_a_proxy_are_in_its_url(proxy: str | None, secrets: tuple[str, ...]) -> None:
    assert secrets_of_proxy(proxy) == secrets


def content_of(value: Any, secret: str) -> Any:
    return KnownSecrets([secret]).masked_content(value, json.dumps(value).encode())


def test_a_short_password_in_names_and_ids_stays_because_they_are_compared() -> None:
    row = {"id": "backup12", "name": "nightly backup12", "resource_ids": ["backup12"], "status": "backup12"}
    assert content_of(row, "backup12") == row


def test_a_short_password_in_words_for_people_is_masked() -> None:
    row = {"fail_reason": "login with backup12 failed", "status": "error: backup12 is wrong", "more": [["backup12"]]}
    assert content_of(row, "backup12") == {
        "fail_reason": "login with *** failed",
        "status": "error: *** is wrong",
        "more": [["***"]],
    }


def test_a_long_secret_is_masked_wherever_it_stands() -> None:
    secret = "VERY-SECRET-" + "x" * 30
    assert content_of({"id": secret, "name": f"a {secret}", secret: 1}, secret) == {
        "id": "***",
        "name": "a ***",
        "***": 1,
    }


@pytest.mark.parametrize("escape", [lambda text: "".join(f"\\u{ord(each):04x}" for each in text), str])
def test_escapes_in_a_document_hide_no_secret(escape: Callable[[str], str]) -> None:
    document = f'{{"reason": "it is {escape("VERY-SECRET")}"}}'.encode()
    assert KnownSecrets(["VERY-SECRET"]).masked_content(json.loads(document), document) == {"reason": "it is ***"}


@pytest.mark.parametrize("secret", ["VÉRY-SECRET", "é!é?é"])
def test_escapes_in_upper_case_hide_no_letter_with_an_accent(secret: str) -> None:
    document = re.sub(r"(?<=\\u)....", lambda code: code[0].upper(), json.dumps({"reason": f"it is {secret}"})).encode()
    assert KnownSecrets([secret]).masked_content(json.loads(document), document) == {"reason": "it is ***"}


def test_an_accent_somewhere_on_a_page_does_not_have_the_page_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    content = [{"name": "wéb", "fail_reason": "none"}] * 3
    document, secrets = json.dumps(content).encode(), KnownSecrets(["VERY-SECRET"])
    monkeypatch.delattr(marshal, "dumps")
    assert secrets.masked_content(content, document) is content


LONG_PAGE = [{"id": f"backup-{number}", "fail_reason": None} for number in range(3000)]


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_on_a_long_page_is_masked_in_every_form(form: str) -> None:
    content = [*LONG_PAGE, {"fail_reason": f"it said {FORMS[form](AWKWARD)}!"}]
    masked = KnownSecrets([AWKWARD]).masked_content(content, json.dumps(content).encode())
    assert masked == [*LONG_PAGE, {"fail_reason": "it said ***!"}]


def test_a_secret_in_what_was_skipped_of_a_long_page_changes_nothing() -> None:
    document = json.dumps([{**row, "description": "VERY-SECRET"} for row in LONG_PAGE]).encode()
    assert KnownSecrets(["VERY-SECRET"]).masked_content(LONG_PAGE, document) is LONG_PAGE


# ----------------------------------------------------------------------------------------- servers that repeat them


async def repeat_all(request: web.Request) -> web.StreamResponse:
    """Refuse, and repeat everything that came wherever something can be said."""
    said = " ".join([*(f"{name}: {value}" for name, value in request.headers.items()), await request.text()])
    headers = {"X-Request-Id": said.replace("\n", " "), "Location": f"https://{quote(said, safe='')}/"}
    body = {"error_code": said, "error_msg": said, "request_id": said, "encoded_authorization_message": said}
    return web.json_response(body, status=403, headers=headers, reason=said.replace("\n", " "))


async def repeat_on_a_page(request: web.Request) -> web.StreamResponse:
    """Refuse with a page that repeats everything."""
    said = html.escape(" ".join(f"{name}: {value}" for name, value in request.headers.items()))
    return web.Response(status=502, text=f"<html><title>{said}</title></html>", content_type="text/html")


async def repeat_as_text(request: web.Request) -> web.StreamResponse:
    """Refuse with a text that repeats everything."""
    return web.Response(status=400, text=" ".join(f"{name}: {value}" for name, value in request.headers.items()))


CREDENTIALS: dict[str, Credentials] = {
    "password": PasswordCredentials("me", SPECIAL, "my-account"),
    "key": AccessKeyCredentials("AK", SPECIAL),
    "temporary key": AccessKeyCredentials("AK", SPECIAL, "VERY-SECRET-TOKEN" + "/+=" * 500),
}


def all_of(error: BaseException) -> str:
    """Return everything that can be told of an error."""
    return "".join([*traceback.format_exception(error), repr(vars(error)), repr(error.args), repr(error.__context__)])


def signatures(server: UnrulyServer) -> list[str]:
    """Return the signatures that came."""
    return [each.headers.get("Authorization", "").rpartition("Signature=")[2] for each in server.received]


@pytest.mark.parametrize("repeat", [repeat_all, repeat_on_a_page, repeat_as_text])
@pytest.mark.parametrize("credentials", sorted(CREDENTIALS))
async def test_what_a_service_repeats_of_a_request_stays_secret(
    unruly: UnrulyServer, caplog: pytest.LogCaptureFixture, repeat: Any, credentials: str
) -> None:
    caplog.set_level(logging.DEBUG)
    unruly.then(repeat)
    settings = settings_for(unruly.url, CREDENTIALS[credentials], network=network(attempts=1))
    async with BackupCloud(settings) as cloud:
        with pytest.raises(BackupError) as caught:
            await cloud.cbr.policies.update("p", PolicyUpdate(enabled=False))
    told = all_of(caught.value) + caplog.text
    assert "VERY-SECRET" not in told
    assert "TOKEN-1" not in told
    assert not [signature for signature in signatures(unruly) if signature and signature in told]
    assert "***" in told


async def test_what_the_identity_service_repeats_of_the_password_stays_secret(unruly: UnrulyServer) -> None:
    unruly.then_for_tokens(repeat_all)
    async with BackupCloud(settings_for(unruly.url, CREDENTIALS["password"])) as cloud:
        with pytest.raises(BackupError) as caught:
            await cloud.verify()
    assert "VERY-SECRET" not in all_of(caught.value)


async def test_a_token_that_is_repeated_in_a_list_is_masked(unruly: UnrulyServer) -> None:
    token = "VERY-SECRET-" + "MII" * 500
    body = {"token": {"expires_at": "2099-01-01T00:00:00Z", "project": {"id": "p", "name": token}}}
    unruly.then_for_tokens(answer(body, 201, X_Subject_Token=token))
    unruly.then(answer({"policies": [{"id": "1", "name": token, "description": f"by {token}"}]}))
    async with BackupCloud(settings_for(unruly.url, CREDENTIALS["password"])) as cloud:
        (policy,) = [each async for each in cloud.cbr.policies.list()]
    assert token not in repr(policy)
    assert unruly.tokens == [token]


@pytest.mark.parametrize("refusal", ["407 {}", "502 no way for {}", "403 " + "x" * 1990 + "{}"])
async def test_what_a_proxy_repeats_of_its_user_and_password_stays_secret(refusal: str) -> None:
    user = base64.b64encode(b"me:VERY-SECRET").decode()
    async with running_proxy("http://127.0.0.1:1") as proxy:
        proxy.refusal = refusal.format(f"Basic {user} (me:VERY-SECRET)")
        through = proxy.url.replace("//", "//me:VERY-SECRET@")
        settings = settings_for("https://cbr.example", network=network(proxy=through, attempts=1))
        async with BackupCloud(settings) as cloud:
            with pytest.raises(BackupError) as caught:
                await cloud.cbr.policies.get("p")
    told = all_of(caught.value)
    assert "VERY-SECRET" not in told
    assert user not in told
    assert "VERY-SE" not in told


async def test_what_is_no_http_and_repeats_a_secret_is_reported_without_it() -> None:
    async with running() as unruly:

        async def garbage(request: web.Request) -> web.StreamResponse:
            assert request.transport is not None
            request.transport.write(f"{request.headers['X-Auth-Token']} {SPECIAL}\r\n\r\n".encode())
            request.transport.close()
            return web.Response()

        unruly.then(garbage)
        settings = settings_for(unruly.url, CREDENTIALS["password"], network=network(attempts=1))
        async with BackupCloud(settings) as cloud:
            with pytest.raises(BackupError) as caught:
                await cloud.cbr.policies.get("p")
    assert "VERY-SECRET" not in all_of(caught.value)
    assert "TOKEN-1" not in all_of(caught.value)
