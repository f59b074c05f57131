"""A certificate authority of the tests' own, with a certificate of its own between it and what it signs."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core import clock
from router.pem import new_key_pem

Key = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey


class Authority:
    """`root` is what clients trust; `between` stands in the chain."""

    def __init__(self) -> None:
        self._root_key, self._key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.root = _sign("Test Root", self._root_key.public_key(), "Test Root", self._root_key, ca=True)
        self.between = _sign("Test Between", self._key.public_key(), "Test Root", self._root_key, ca=True)

    def issue(
        self, *names: str, key: Key | None = None, days: float = 60, starts: datetime | None = None
    ) -> tuple[str, str]:
        """Chain and key for `names`, as an authority hands them out."""
        own = key or ec.generate_private_key(ec.SECP256R1())
        return self.certify(*names, public=own.public_key(), days=days, starts=starts), new_key_pem(own)

    def certify(self, *names: str, public: PublicKey, days: float = 60, starts: datetime | None = None) -> str:
        """A chain for a key that somebody else has."""
        subject = names[0] if names else ""
        return _sign(subject, public, "Test Between", self._key, names, days, starts) + self.between

    def trusted_at(self, path: Path) -> Path:
        path.write_text(self.root)
        return path


def _sign(
    subject: str, public: PublicKey, issuer: str, signer: Key, names: tuple[str, ...] = (), days: float = 60,
    starts: datetime | None = None, ca: bool = False,
) -> str:  # fmt: skip
    begin = starts or min(clock.now(), clock.after(days * 86_400)) - timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)] if subject else []))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(max(begin + timedelta(minutes=1), clock.after(days * 86_400)))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if ca:
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
