"""Certificates that are asked for automatically: section `acme`, so `PORTSIDE_ACME_DIRECTORY` and so on."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import UserError

_CHALLENGES = ("http", "dns")


@dataclass(frozen=True)
class AcmeSettings:
    """`directory`: the address of the authority's ACME directory; `ca_file`: what its own TLS is trusted by, where that
    is not what the machine trusts. `email`: where it may write to. `agree_terms`: its terms are agreed to.
    `eab_key_id` and `eab_hmac_file` (a file, 0600, with the key): an account of one's own there, to which Portside's
    is bound when it is made, where the authority wants that.

    `challenge`: how hosts are proven, `http` or `dns`; wildcards are always proven by DNS, which `dns_hook` (a
    program, see docs/https.md) does within `dns_hook_timeout_s`.
    `private_hosts`: the authority is one's own, and vouches for names that are not public, too.
    `check_reach`: see that a host leads here before anything is ordered; `check_port`: where it must, as the authority
    comes to it. `parallel`: orders under way at once.
    """

    directory: str = "https://acme-v02.api.letsencrypt.org/directory"
    ca_file: str = ""
    email: str = ""
    agree_terms: bool = False
    eab_key_id: str = ""
    eab_hmac_file: str = ""
    challenge: str = "http"
    dns_hook: str = ""
    dns_hook_timeout_s: float = 300.0
    private_hosts: bool = False
    check_reach: bool = True
    check_port: int = 80
    parallel: int = 4

    @property
    def account(self) -> str:
        """What Portside's account is kept under: another address, or another account of one's own, is another one."""
        return f"{self.directory}#{self.eab_key_id}" if self.eab_key_id else self.directory

    def __post_init__(self) -> None:
        if self.challenge not in _CHALLENGES:
            raise UserError(
                f"acme.challenge is {self.challenge!r}; it must be http or dns.", "Set PORTSIDE_ACME_CHALLENGE."
            )
        if bool(self.eab_key_id) != bool(self.eab_hmac_file):
            raise UserError(
                "Of acme.eab_key_id and acme.eab_hmac_file only one is set; they go together.",
                "Set PORTSIDE_ACME_EAB_KEY_ID and PORTSIDE_ACME_EAB_HMAC_FILE, or neither.",
            )
        if self.parallel < 1:
            raise UserError(f"acme.parallel is {self.parallel}; it must be 1 or more.", "Set PORTSIDE_ACME_PARALLEL.")
