"""Users, SSH keys, API tokens, and who may do what to which app.

TAKES  credentials: an e-mail address and password, a token, the fingerprint of an SSH key.
GIVES  an `Identity`, and yes or no to "may this identity do that with this app?".
NEVER  keeps a password or a token that could be read back; tells whether an e-mail address is known to it.
"""

from accounts.service import Accounts
from accounts.types import AppRole, Collaborator, Identity, Permission, Role, SshKey, Token, TokenKind

__all__ = [
    "Accounts",
    "AppRole",
    "Collaborator",
    "Identity",
    "Permission",
    "Role",
    "SshKey",
    "Token",
    "TokenKind",
]
