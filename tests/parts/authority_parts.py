"""What tests/parts/authority.py is made of: authlib's server parts, and what they keep."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from authlib.common.security import generate_token
from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "deskpost-client"
CLIENT_SECRET = "a-secret-of-the-client"
Response = tuple[int, Any, list[tuple[str, str]]]


@dataclass(frozen=True)
class Person:
    """Whose mailbox it is."""

    address: str


@dataclass
class Grant:
    """A refresh token, and the permission it stands for."""

    person: Person
    scope: str
    family: str  # of the refresh tokens that followed one another
    revoked: bool = False

    def check_client(self, client: Client) -> bool:
        return client.client_id == CLIENT_ID

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Code:
    """An authorisation code that was not used yet."""

    person: Person
    redirect_uri: str
    scope: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Client:
    """Deskpost, as it is registered here. It is led back to wherever it asks."""

    client_id: str = CLIENT_ID
    client_secret: str = field(default=CLIENT_SECRET, repr=False)

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str | None) -> str:
        return scope or ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return urlsplit(redirect_uri).path == "/oauth/callback/"

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(client_secret, self.client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_post"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in {"authorization_code", "refresh_token"}


class Request(OAuth2Request):  # type: ignore[misc]
    def __init__(
        self, method: str, uri: str, headers: dict[str, str], parameters: dict[str, str]
    ) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload = BasicOAuth2Payload(parameters)
        self._parameters = parameters

    @property
    def form(self) -> dict[str, str]:
        return self._parameters


class _CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post"]

    def save_authorization_code(self, code: str, request: Any) -> None:
        told = request.payload.data
        self.server.codes[code] = Code(
            person=request.user,
            redirect_uri=told["redirect_uri"],
            scope=request.scope,
            code_challenge=told["code_challenge"],
            code_challenge_method=told["code_challenge_method"],
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        # Taken away whatever comes of it: nobody may guess at a verifier.
        found: Code | None = self.server.codes.pop(code, None)
        return found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        pass

    def authenticate_user(self, authorization_code: Code) -> Person:
        return authorization_code.person


class _RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post"]

    @property
    def INCLUDE_NEW_REFRESH_TOKEN(self) -> bool:
        return bool(self.server.rotates)

    def authenticate_refresh_token(self, refresh_token: str) -> Grant | None:
        grants = self.server.grants
        found: Grant | None = grants.get(refresh_token)
        if found and found.revoked:  # stolen, or used by two: nobody has it any more
            for one in grants.values():
                one.revoked = one.revoked or one.family == found.family
            return None
        return found

    def authenticate_user(self, refresh_token: Grant) -> Person:
        return refresh_token.person

    def revoke_old_credential(self, refresh_token: Grant) -> None:
        refresh_token.revoked = self.server.rotates


class Parts(AuthorizationServer):  # type: ignore[misc]
    """authlib's server. It signs access tokens with `key`, and keeps what it has given."""

    def __init__(self, key: RSAKey) -> None:
        super().__init__()
        self.key = key
        self.token_seconds = 3600
        self.rotates = True
        self.grants: dict[str, Grant] = {}  # by refresh token, spent ones too
        self.codes: dict[str, Code] = {}
        self.register_grant(_CodeGrant, [CodeChallenge(required=True)])
        self.register_grant(_RefreshGrant)
        self.register_token_generator("default", self.token)

    def token(
        self,
        grant_type: str,
        client: Client,
        user: Person,
        scope: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "sub": user.address,
            "email": user.address,
            "iat": now - 1,
            "nbf": now - 1,
            "exp": now + self.token_seconds,
            "jti": generate_token(16),
        }
        found = {
            "token_type": "Bearer",
            "access_token": jwt.encode({"alg": "RS256"}, claims, self.key),
            "expires_in": self.token_seconds,
            "scope": scope,
        }
        return found | ({"refresh_token": generate_token(48)} if include_refresh_token else {})

    def query_client(self, client_id: str) -> Client | None:
        return Client() if client_id == CLIENT_ID else None

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        before = request.refresh_token
        if "refresh_token" in token:
            family = before.family if before else token["refresh_token"]
            self.grants[token["refresh_token"]] = Grant(
                person=request.user, scope=token["scope"], family=family
            )

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        pass

    def create_oauth2_request(self, request: Any) -> Any:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        return status, body, list(headers)
