"""What binds Portside's account at an authority to one that people have there (RFC 8555, section 7.3.4)."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import Unavailable
from router.acme_settings import AcmeSettings

_KEY = re.compile(r"[A-Za-z0-9_-]{16,}={0,2}")


@dataclass(frozen=True)
class Binding:
    """`hmac_key`, in base64url, is a secret: it is read when an account is made, and kept nowhere else."""

    key_id: str
    hmac_key: str = field(repr=False)


def binding(settings: AcmeSettings) -> Binding | None:
    """The one of the settings, if any. Raises Unavailable where its file can't be used."""
    if not settings.eab_key_id:
        return None
    path = Path(settings.eab_hmac_file)
    try:
        mode, text = stat.S_IMODE(path.stat().st_mode), path.read_text().strip()
    except (OSError, UnicodeError) as error:
        raise _unusable(
            path, f"can't be read ({type(error).__name__})", "Its owner is to be who runs Portside."
        ) from error
    if mode & 0o077:
        raise _unusable(path, f"may be read by others (mode {mode:o})", f"Do: chmod 600 {path}")
    if not _KEY.fullmatch(text):
        raise _unusable(path, "does not hold a key in base64url, as the authority gives it", "Put it there, alone.")
    return Binding(settings.eab_key_id, text)


def lacking(directory: str) -> Unavailable:
    """For an authority that takes no account without one."""
    return Unavailable(
        f"The certificate authority at {directory} only takes accounts that are bound to one that people have there: "
        "the server's administrator sets PORTSIDE_ACME_EAB_KEY_ID and PORTSIDE_ACME_EAB_HMAC_FILE."
    )


def _unusable(path: Path, why: str, mend: str) -> Unavailable:
    return Unavailable(f"The key of the external account, {path} (PORTSIDE_ACME_EAB_HMAC_FILE), {why}. {mend}")
