"""Which pairs of certificate and key are taken, and what people are told about the others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from acme.client import _renewal_info_path_component
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from core import clock
from core.errors import UserError
from router import pem
from router.pem import check_pair, covers, self_signed
from tests.router.authority import Authority


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def refusal(chain: str, key: str) -> str:
    with pytest.raises(UserError) as caught:
        check_pair(chain, key)
    assert caught.value.hint
    return caught.value.message


def pem_of(key, password: bytes | None = None) -> str:
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()


def test_a_pair_tells_names_times_and_issuer(authority):
    chain, key = authority.issue("www.example.com", "*.Example.com")
    pair = check_pair(chain, key)
    assert pair.chain == chain
    assert pair.certificate.names == ("www.example.com", "*.example.com")
    assert (pair.certificate.subject, pair.certificate.issuer) == ("CN=www.example.com", "CN=Test Between")
    assert not pair.certificate.self_signed


def test_a_chain_is_put_in_order_and_the_root_left_out(authority):
    chain, key = authority.issue("www.example.com")
    leaf = chain.removesuffix(authority.between)
    assert check_pair(authority.root + authority.between + leaf, key).chain == chain


def test_a_self_signed_certificate_is_taken():
    both = self_signed(["www.example.com"])
    assert check_pair(both, both).certificate.self_signed


def test_a_key_of_another_certificate_is_refused(authority):
    chain, _ = authority.issue("www.example.com")
    _, other = authority.issue("www.example.com")
    assert refusal(chain, other) == "The key does not belong to the certificate CN=www.example.com."


def test_a_certificate_of_another_chain_is_refused(authority):
    chain, key = authority.issue("www.example.com")
    stranger = Authority().between
    words = "The certificate CN=Test Between does not belong to the chain of CN=www.example.com."
    assert refusal(chain + stranger, key) == words


def test_an_expired_one_and_one_of_the_future_are_refused(authority):
    assert refusal(*authority.issue("a.example.com", days=-1)).startswith("The certificate expired on ")
    later = authority.issue("a.example.com", starts=clock.after(86_400))
    assert refusal(*later).startswith("The certificate is valid from ")


def test_an_authority_knows_a_certificate_by_its_issuers_key_and_its_number(authority):
    """As the example of RFC 9773, section 4.1; and as the `acme` library has it, whatever the number."""
    for _ in range(20):
        chain, _key = authority.issue("www.example.com")
        leaf = x509.load_pem_x509_certificate(chain.encode())
        assert pem.renewal_id(chain) == _renewal_info_path_component(leaf)
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.AuthorityKeyIdentifier(bytes.fromhex("69885b6b87464041e1b37b847ba0ae2cde01c8d4"), None, None)
    name, moment = x509.Name([]), clock.now()
    builder = x509.CertificateBuilder(name, name, key.public_key(), 0x87654321, moment, moment + timedelta(days=1))
    example = builder.add_extension(issuer, critical=False).sign(key, hashes.SHA256())
    text = example.public_bytes(serialization.Encoding.PEM).decode()
    assert pem.renewal_id(text) == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
    assert pem.renewal_id(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()) == ""


def test_one_without_names_is_refused(authority):
    assert refusal(*authority.issue()) == "The certificate names no host (it has no subject alternative name)."


def test_a_key_that_can_not_serve_is_refused(authority):
    chain, key = authority.issue("a.example.com")
    locked = pem_of(serialization.load_pem_private_key(key.encode(), None), b"secret")
    assert refusal(chain, locked) == "The key is locked with a password."
    weak = pem_of(rsa.generate_private_key(65537, 1024))
    assert refusal(chain, weak) == "The key has 1024 bits, too few to be safe."
    assert (
        refusal(chain, pem_of(ed25519.Ed25519PrivateKey.generate())) == "The key is of a kind that browsers don't take."
    )
    assert refusal(chain, "no key") == "There is no private key in PEM form in the second file."
    assert refusal("no certificate", key) == "There is no certificate in PEM form in the first file."


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("a.example.com", True),
        ("A".lower() + ".example.com", True),
        ("a.b.example.com", False),
        ("example.com", False),
        ("*.example.com", True),
        ("*.b.example.com", False),
        ("www.example.org", True),
    ],
)
def test_a_wildcard_covers_one_label(host, covered):
    assert covers(["*.example.com", "www.example.org"], host) == covered
