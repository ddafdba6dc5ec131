"""The one account of the local cloud: its user, project and keys, and the tokens that were issued.

All names and secrets are constants that cannot be taken for real ones.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import string
from datetime import datetime, timedelta
from typing import Literal

from airflow_provider_backup.emulator.core.regions import HOME
from airflow_provider_backup.emulator.core.state import CloudState, Row

REGION = HOME.name
DOMAIN_NAME = "local-cloud"
DOMAIN_ID = "10ca1c100d0000000000000000000d01"
PROJECT_NAME = REGION
PROJECT_ID = HOME.project_id
USER_NAME = "backup-user"
USER_ID = "10ca1c100d0000000000000000000e01"
PASSWORD = "not-a-real-password"  # noqa: S105
ACCESS_KEY = "LOCALCLOUDFAKEKEY001"
SECRET_KEY = "not-a-real-secret-key-0000000000000000000"  # noqa: S105
DATABASE_USER = "root"
"""The administrator of every database instance."""
DATABASE_PASSWORD = "not-a-real-database-password"  # noqa: S105

TOKEN_LIFETIME = timedelta(hours=24)
TOKEN_BYTES = 1536
"""Random bytes of a token; its text is a third longer."""
Scope = Literal["project", "domain", "none"]


class Accounts:
    """Tokens and temporary access keys of the account; kept in the state, so that they survive a restart.

    :param state: the state that holds them.
    """

    def __init__(self, state: CloudState) -> None:
        self._state = state
        self.token_bytes = TOKEN_BYTES

    def issue_token(self, scope: Scope, project_id: str = PROJECT_ID) -> tuple[str, Row]:
        """Make a token that is valid for 24 hours.

        :param scope: what it is for: a project's services, global services, or neither.
        :param project_id: which project, if it is for one.
        :return: the text, and the row that :meth:`token` finds it by.
        """
        tokens = self._state.table("iam.tokens")
        now = self._state.now()
        for digest, row in list(tokens.items()):
            # Kept for another lifetime, so that the answer can say when the token expired.
            if now >= datetime.fromisoformat(row["expires_at"]) + TOKEN_LIFETIME:
                del tokens[digest]
        text = "MII" + base64.b64encode(secrets.token_bytes(self.token_bytes)).decode()
        row = {
            "scope": scope,
            "project_id": project_id,
            "issued_at": now.isoformat(),
            "expires_at": (now + TOKEN_LIFETIME).isoformat(),
            "revoked": False,
        }
        tokens[_digest(text)] = row
        return text, row

    def token(self, text: str) -> Row | None:
        """Return the row of a token that was issued here, dead or alive: ``scope``, times and ``revoked``."""
        return self._state.table("iam.tokens").get(_digest(text))

    def is_expired(self, row: Row) -> bool:
        """Whether a token or a temporary key has expired."""
        return self._state.now() >= datetime.fromisoformat(row["expires_at"])

    def is_valid(self, row: Row | None) -> bool:
        """Whether a token lets its bearer in."""
        return row is not None and not row["revoked"] and not self.is_expired(row)

    def revoke_all_tokens(self) -> None:
        """Let every token die before its time, as a changed password does."""
        for row in self._state.table("iam.tokens").values():
            row["revoked"] = True

    def issue_temporary_key(self, lifetime: timedelta) -> tuple[str, str, Row]:
        """Make a temporary access key.

        :param lifetime: how long it is valid.
        :return: the access key, its security token, and the row that :meth:`temporary_key` finds it by.
        """
        alphabet = string.ascii_uppercase + string.digits
        access_key = "HST" + "".join(secrets.choice(alphabet) for _ in range(17))
        security_token = base64.b64encode(secrets.token_bytes(768)).decode()
        row = {
            "secret": secrets.token_hex(20),
            "security_token_digest": _digest(security_token),
            "expires_at": (self._state.now() + lifetime).isoformat(),
        }
        self._state.table("iam.temporary_keys")[access_key] = row
        return access_key, security_token, row

    def temporary_key(self, access_key: str) -> Row | None:
        """Return the row of a temporary access key: ``secret`` and ``expires_at``."""
        return self._state.table("iam.temporary_keys").get(access_key)

    @staticmethod
    def belongs_to(row: Row, security_token: str) -> bool:
        """Whether a security token is the one of a temporary access key."""
        return bool(row["security_token_digest"] == _digest(security_token))


def _digest(secret: str) -> str:
    # A surrogate stands for a byte that is not UTF-8; no issued secret has one, but a request may.
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()
