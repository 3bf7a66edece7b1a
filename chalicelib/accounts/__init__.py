"""Tenants' users: identities and roles, API tokens, browser sessions, one-time links."""

from __future__ import annotations

from chalicelib.accounts.authenticate import Authenticator
from chalicelib.accounts.identity import PERMISSIONS, ROLES, Principal, allows, require
from chalicelib.accounts.sessions import SessionSigner, session_signer
from chalicelib.accounts.tokens import (
    create_link,
    create_token,
    redeem_link,
    register_token,
    token_text,
    verify_token,
)

__all__ = [
    "PERMISSIONS",
    "ROLES",
    "Authenticator",
    "Principal",
    "SessionSigner",
    "allows",
    "create_link",
    "create_token",
    "redeem_link",
    "register_token",
    "require",
    "session_signer",
    "token_text",
    "verify_token",
]
