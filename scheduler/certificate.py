"""The certificate of the rendezvous: self-signed, made at first use.

`portside run` knows it by its fingerprint, which the API tells it; other clients can be given it to trust.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import secrets
import ssl
from datetime import timedelta
from pathlib import Path

from core import clock

LIFETIME_DAYS = 3650


def certificate_file(path: Path) -> Path:
    """The PEM file with key and certificate at `path`, 0600."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        making = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_make())
        try:
            os.link(making, path)  # unlike a rename, this never replaces one that another process just made
        except FileExistsError:
            pass
        finally:
            making.unlink()
    return path


def server_context(path: Path) -> ssl.SSLContext:
    """What the server shows its clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(path)
    return context


def fingerprint_of(path: Path) -> str:
    """The SHA-256 of the certificate in DER form, in hexadecimal."""
    pem = path.read_text()
    begin = pem.index("-----BEGIN CERTIFICATE-----")
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[begin:])).hexdigest()


def _make() -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Portside one-off runs")])
    moment = clock.now()
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(days=1))
        .not_valid_after(moment + timedelta(days=LIFETIME_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return private + built.public_bytes(serialization.Encoding.PEM)
