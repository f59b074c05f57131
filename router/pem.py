"""Certificates and keys in PEM: which belong together, in which order, for which names, until when. Pure."""

from __future__ import annotations

import base64
import hashlib
import os
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from core import clock
from core.errors import UserError
from router.hosts import wildcard_over

_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_LEAST_RSA_BITS = 2048  # what OpenSSL 3 and browsers still take
_MOST_BYTES = 15_000  # one buffer of HAProxy's must hold the command that brings it
_SELF_SIGNED_DAYS = 3650
_CHAIN_HINT = "Give the certificate and what stands between it and its authority, as the authority sent them."
_KEY_HINT = "Give the private key that the certificate was asked for with."


@dataclass(frozen=True)
class Certificate:
    """What a certificate says. `names` are host names in lower case, wildcards among them."""

    names: tuple[str, ...]
    subject: str
    issuer: str
    starts_at: datetime
    expires_at: datetime
    fingerprint: str
    self_signed: bool


@dataclass(frozen=True)
class Pair:
    """A chain in its right order, the certificate first, with its key: both PEM."""

    certificate: Certificate
    chain: str
    key: str


def check_pair(chain_text: str, key_text: str) -> Pair:
    """The certificates in `chain_text`, put in order, with the key that belongs to the first.

    Raises UserError, saying what is wrong.
    """
    found = _certificates(chain_text)
    key = _key(key_text)
    leaf = next((each for each in found if each.public_key() == key.public_key()), None)
    if leaf is None:
        raise UserError(f"The key does not belong to the certificate {_named(found[0].subject)}.", _KEY_HINT)
    chain = _in_order(leaf, found)
    told = describe(leaf)
    _check_times(told)
    if not told.names:
        raise UserError("The certificate names no host (it has no subject alternative name).", "Ask for one that does.")
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pair = Pair(told, "".join(_pem(each) for each in chain), key.private_bytes(*form).decode())
    if len(pair.chain) + len(pair.key) > _MOST_BYTES:
        raise UserError("The chain is too long.", "Leave out what does not stand between it and its authority.")
    _check_loads(pair)
    return pair


def describe(leaf: x509.Certificate) -> Certificate:
    """What the certificate says."""
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(name.lower() for name in extension.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        names = ()
    return Certificate(
        names=names,
        subject=leaf.subject.rfc4514_string() or (f"CN={names[0]}" if names else ""),
        issuer=leaf.issuer.rfc4514_string(),
        starts_at=leaf.not_valid_before_utc,
        expires_at=leaf.not_valid_after_utc,
        fingerprint=leaf.fingerprint(hashes.SHA256()).hex(),
        self_signed=leaf.issuer == leaf.subject,
    )


def first_of(chain: str) -> Certificate:
    """What the first certificate of a stored chain says."""
    return describe(x509.load_pem_x509_certificate(chain.encode()))


def covers(names: Iterable[str], host: str) -> bool:
    """Whether a certificate for `names` is good for `host`, which may be a wildcard itself."""
    known = set(names)
    return host in known or (not host.startswith("*.") and wildcard_over(host) in known)


def self_signed(names: Sequence[str]) -> str:
    """A key and a certificate that nobody has vouched for, in one PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Portside, no certificate yet")])
    moment = clock.now()
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(days=1))
        .not_valid_after(moment + timedelta(days=_SELF_SIGNED_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return new_key_pem(key) + _pem(built)


def new_key_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None) -> str:
    """A key (by default a fresh one) as PKCS #8, without a password."""
    made = key or ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.private_bytes(*form).decode()


def signing_request(host: str, key_pem: str) -> bytes:
    """What a certificate for one host is asked for with (PKCS #10, PEM)."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return builder.sign(_key(key_pem), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def digest(chain: str) -> str:
    """Short, and another for every chain."""
    return hashlib.sha256(chain.encode()).hexdigest()[:16]


def renewal_id(chain: str) -> str:
    """What its authority knows a certificate by when it is asked about renewal (RFC 9773, section 4.1); "" for one that
    does not say who issued it."""
    leaf = x509.load_pem_x509_certificate(chain.encode())
    try:
        authority = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        authority = None
    serial = leaf.serial_number.to_bytes(leaf.serial_number.bit_length() // 8 + 1)  # DER has room for a sign
    parts = (authority or b"", serial)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) if authority else ""


def _certificates(text: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError as error:
        raise UserError("There is no certificate in PEM form in the first file.", _CHAIN_HINT) from error


def _key(text: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except TypeError as error:
        raise UserError("The key is locked with a password.", "Unlock it: openssl pkey -in KEY -out PLAIN") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UserError("There is no private key in PEM form in the second file.", _KEY_HINT) from error
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < _LEAST_RSA_BITS:
            raise UserError(f"The key has {key.key_size} bits, too few to be safe.", "Use RSA 2048, or ECDSA P-256.")
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, _CURVES):
        return key
    raise UserError("The key is of a kind that browsers don't take.", "Use RSA 2048, or ECDSA P-256.")


def _in_order(leaf: x509.Certificate, found: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The chain from `leaf` up, without the authority's own certificate, which clients have."""
    chain, rest = [leaf], [each for each in found if each != leaf]
    while rest:
        above = next((each for each in rest if _issued(each, chain[-1])), None)
        if above is None:
            raise UserError(
                f"The certificate {_named(rest[0].subject)} does not belong to the chain of {_named(leaf.subject)}.",
                _CHAIN_HINT,
            )
        rest.remove(above)
        chain.append(above)
    return chain[:1] + [each for each in chain[1:] if each.issuer != each.subject]


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _check_times(certificate: Certificate) -> None:
    moment = clock.now()
    if certificate.expires_at <= moment:
        raise UserError(f"The certificate expired on {certificate.expires_at:%Y-%m-%d}.", "Renew it, and add that.")
    if certificate.starts_at > moment:
        raise UserError(f"The certificate is valid from {certificate.starts_at:%Y-%m-%d %H:%M} UTC on.", "Wait for it.")


def _check_loads(pair: Pair) -> None:
    """OpenSSL has the last word, as it has it in HAProxy: one that it refuses must not get into the configuration."""
    memory = os.memfd_create("pair", os.MFD_CLOEXEC)  # the key touches no disk
    try:
        with open(memory, "w", closefd=False) as file:
            file.write(pair.chain + pair.key)
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(f"/proc/self/fd/{memory}")
    except ssl.SSLError as error:
        raise UserError(f"OpenSSL does not take the certificate: {error.reason}.", _CHAIN_HINT) from error
    finally:
        os.close(memory)


def _named(name: x509.Name) -> str:
    return name.rfc4514_string() or "without a subject"


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
