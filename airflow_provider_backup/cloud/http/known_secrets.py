"""The secrets of one account, so that text from outside that repeats them is masked before it becomes ours: pure."""

from __future__ import annotations

import base64
import html
import json
import marshal
import re
from collections import deque
from collections.abc import Iterable
from copy import copy
from typing import Any, NamedTuple, Self
from urllib.parse import quote, quote_plus, unquote, urlsplit

from airflow_provider_backup.cloud.schema.json_decoding import has_unicode_escapes

MASK = "***"
SHORTEST = 4
"""Characters; what is shorter than that stands in every text by chance."""
UNMISTAKABLE = 16
"""Characters; what is shorter may be part of a name by chance."""
_TELLING = 24
"""Characters at the beginning of a secret that tell it, when a server repeats no more than that or a little more."""
_LONG = 64 * 1024
"""Bytes of a document from which on it is a page of a list rather than one object."""
_LATEST = 8
"""Tokens and the like that are remembered; older ones are dead."""

_IDENTIFYING = re.compile(r"(id|ids|name)$", re.IGNORECASE)
_TELLING_A_STATE = re.compile(r"(status|state|type|level|code|mode|_at|time)$", re.IGNORECASE)
_ESCAPED_ASCII = re.compile(rb"\\u00[0-7]")
_ONE_WORD = re.compile(r"[\w:.+-]*")


class _Forms(NamedTuple):
    """How a secret may be written.

    :param texts: all its forms.
    :param clues: at least one of these is in every text that holds one of the forms, or its telling beginning.
    """

    texts: tuple[str, ...]
    clues: tuple[str, ...]


class _Clues:
    """What is searched for first, as most texts hold no secret.

    :param clues: of all secrets.
    """

    def __init__(self, clues: Iterable[str]) -> None:
        self._texts = tuple(dict.fromkeys(clues))
        self._bytes = tuple(clue.encode(errors="replace") for clue in self._texts)
        self._are_ascii = all(map(str.isascii, self._texts))

    def may_be_in(self, text: str) -> bool:
        """Return whether one of them stands in a text."""
        return any(clue in text for clue in self._texts)

    def may_be_in_bytes(self, document: bytes) -> bool:
        """Return whether one of them stands in a document."""
        return any(clue in document for clue in self._bytes)

    def may_hide_in(self, document: bytes) -> bool:
        """Return whether the escapes of a document may hide one of them.

        Most escapes are of letters with accents, which hide no clue without them.
        """
        return _ESCAPED_ASCII.search(document) is not None or not self._are_ascii


class KnownSecrets:
    """Secrets in every form in which servers repeat them: as they are, percent-encoded, escaped and in base64.

    :param values: the secrets; none and empty ones are left out.
    """

    def __init__(self, values: Iterable[str | None] = ()) -> None:
        self._forms: dict[str, _Forms] = {}
        self._latest: deque[str] = deque()
        self._clues: _Clues | None = None
        self.know(*values)

    def know(self, *values: str | None) -> None:
        """Mask these from now on.

        :param values: the secrets; none and empty ones are left out.
        """
        for value in values:
            if value and len(value) >= SHORTEST and value not in self._forms:
                self._forms[value] = _forms_of(value)
                self._clues = None

    def know_for_now(self, *values: str | None) -> None:
        """Mask these until several others have come, as tokens do that are renewed.

        :param values: the secrets; none and empty ones are left out.
        """
        for value in values:
            if value and value not in self._forms:
                self.know(value)
                self._latest.append(value)
                if len(self._latest) > _LATEST:
                    self._forms.pop(self._latest.popleft(), None)
                    self._clues = None

    def and_also(self, *values: str | None) -> Self:
        """Return these and some more, for one request.

        :param values: the secrets; none and empty ones are left out.
        """
        other = copy(self)
        other._forms = dict(self._forms)
        other.know(*values)
        return other

    def masked(self, text: str) -> str:
        """Return a text for people with every secret masked; cut it afterwards, as half a secret is not recognised.

        :param text: any text.
        """
        return _masked(text, self._forms.values()) if self._known_clues.may_be_in(text) else text

    def masked_content(self, content: Any, document: bytes) -> Any:
        """Return decoded JSON with every secret masked in its texts.

        Names, ids and words that tell a state are compared, so that in them only what is long is masked.

        :param content: the JSON, or a part of it.
        :param document: what it was read from: looking there first takes little time.
        """
        clues = self._known_clues
        if (
            len(document) > _LONG
            or b"\0" in document
            or (has_unicode_escapes(document) and clues.may_hide_in(document))
        ):
            # Encodings of two or four bytes hide secrets, and so do escapes. Most of a long list is skipped when it is
            # read. Nothing else writes all texts of what was kept in so little time.
            document = marshal.dumps(content)
        return self._masked(content, "") if clues.may_be_in_bytes(document) else content

    @property
    def _known_clues(self) -> _Clues:
        # Kept from one answer to the next, as they change with the secrets only.
        if self._clues is None:
            self._clues = _Clues(clue for forms in self._forms.values() for clue in forms.clues)
        return self._clues

    def _masked(self, value: Any, member: str) -> Any:
        if isinstance(value, str):
            return self._masked_member(value, member) if self._known_clues.may_be_in(value) else value
        if isinstance(value, list):
            return [self._masked(item, member) for item in value]
        if isinstance(value, dict):
            return {self._masked(key, "name"): self._masked(item, key) for key, item in value.items()}
        return value

    def _masked_member(self, text: str, member: str) -> str:
        is_compared = _IDENTIFYING.search(member) or (_TELLING_A_STATE.search(member) and _ONE_WORD.fullmatch(text))
        least = UNMISTAKABLE if is_compared else SHORTEST
        return _masked(text, (forms for value, forms in self._forms.items() if len(value) >= least))


NO_SECRETS = KnownSecrets()
"""Masks nothing."""


def secrets_of_proxy(proxy: str | None) -> tuple[str, ...]:
    """Return what must not be shown of a proxy's URL: its user and password together, and the password.

    :param proxy: the URL; ``None`` for no proxy.
    """
    user, _, password = urlsplit(proxy).netloc.rpartition("@")[0].partition(":") if proxy else ("", "", "")
    return (f"{unquote(user)}:{unquote(password)}", unquote(password)) if password else ()


def _masked(text: str, known: Iterable[_Forms]) -> str:
    # The longest first: one may be a part of another.
    texts = sorted((form for forms in known for form in forms.texts if form[:_TELLING] in text), key=len, reverse=True)
    for form in texts:
        text = text.replace(form, MASK)
    for form in texts:
        text = _without_beginnings(text, form[:_TELLING], form[_TELLING:])
    return text


def _without_beginnings(text: str, head: str, tail: str) -> str:
    # Servers cut what is too long for them, as tokens often are.
    if not tail:
        return text
    before, *others = text.split(head)
    return MASK.join([before, *(other[_length_of_same(other, tail) :] for other in others)])


def _length_of_same(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def _forms_of(value: str) -> _Forms:
    raw = value.encode(errors="replace")
    encoded = {
        quote(value, safe="", errors="replace"),
        quote(value, errors="replace"),
        quote_plus(value, errors="replace"),
    }
    encoded |= {re.sub("%..", lambda match: match[0].lower(), form) for form in encoded}
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], html.escape(value)}
    escaped |= {form.replace("/", "\\/") for form in (value, *escaped)}
    in_base64 = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    texts = {value, *encoded, *escaped, *in_base64, *(form.rstrip("=") for form in in_base64)}
    return _Forms(tuple(texts), tuple({_clue_of(text[:_TELLING]) for text in texts}))


def _clue_of(text: str) -> str:
    # Letters and digits look the same in most forms, so that few searches serve for all of them.
    longest = max(re.findall("[A-Za-z0-9]+", re.sub("%[0-9A-Fa-f]{2}", " ", text)), key=len, default="")
    return longest if len(longest) >= SHORTEST else text
