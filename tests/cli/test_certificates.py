"""Certificates and HTTPS from the command line."""

from __future__ import annotations

ENDPOINT = {
    "name": "www.example.com-1a2b3c",
    "hosts": ["www.example.com"],
    "ssl_cert": {
        "cert_domains": ["www.example.com"], "subject": "CN=www.example.com", "issuer": "CN=CA", "self_signed?": False,
        "starts_at": "2026-01-01T00:00:00Z", "expires_at": "2026-03-01T00:00:00Z",
    },
}  # fmt: skip
PATH = "/apps/demo/sni-endpoints"


def test_certificates_are_listed_and_shown(invoke, logged_in):
    logged_in.answers["GET", PATH] = [ENDPOINT]
    logged_in.answers["GET", f"{PATH}/www.example.com-1a2b3c"] = ENDPOINT
    assert invoke("certs", "-a", "demo").stdout == (
        "NAME                    EXPIRES               SHOWN AT\n"
        "www.example.com-1a2b3c  2026-03-01T00:00:00Z  www.example.com\n"
    )
    told = invoke("certs:info", "www.example.com-1a2b3c", "-a", "demo").stdout
    assert "Issuer:     CN=CA\n" in told
    assert "Expires:    2026-03-01T00:00:00Z\n" in told


def test_a_certificate_is_sent_with_its_key(invoke, logged_in, tmp_path):
    chain, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    chain.write_text("the chain")
    key.write_text("the key")
    logged_in.answers["POST", PATH] = (201, ENDPOINT, {})
    done = invoke("certs:add", str(chain), str(key), "-a", "demo")
    assert done.stderr == ("Added www.example.com-1a2b3c, good until 2026-03-01T00:00:00Z. Shown at www.example.com.\n")
    assert logged_in.requests[-1][3] == {"certificate_chain": "the chain", "private_key": "the key"}
    logged_in.answers["DELETE", f"{PATH}/www.example.com-1a2b3c"] = ENDPOINT
    removed = invoke("certs:remove", "www.example.com-1a2b3c", "-a", "demo").stderr
    assert removed == "Removed www.example.com-1a2b3c from demo.\n"


def test_https_is_shown_and_set(invoke, logged_in):
    logged_in.answers["GET", "/apps/demo/https"] = {"redirect": True, "hsts_s": 0}
    logged_in.answers["PATCH", "/apps/demo/https"] = {"redirect": False, "hsts_s": 60}
    assert invoke("https", "-a", "demo").stdout == "redirect  on\nhsts      off\n"
    set_to = invoke("https:set", "--no-redirect", "--hsts", "60", "-a", "demo")
    assert set_to.stdout == "redirect  off\nhsts      60 s\n"
    assert logged_in.requests[-1][3] == {"redirect": False, "hsts_s": 60}
    assert invoke("https:set", "-a", "demo").exit_code == 1
