"""The transport that all connectors share: timeouts, hosts, redirects, environment, certificates, meter, threads."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from peer import Peer, answer, cut, slowly
from wire import SECRET, Wire, free_port

from connectors.errors import NotAuthorised, Refused, TryLater, Unknown

# --- timeouts


@pytest.mark.parametrize(("safe", "error", "sent"), [(True, TryLater, 3), (False, Unknown, 1)])
def test_a_vendor_that_never_answers_is_given_up_after_the_read_timeout(peer, safe, error, sent):
    peer.scripts = [peer.silence]
    wire = Wire(peer, read_timeout=0.1, attempts=3)
    began = time.monotonic()
    with pytest.raises(error) as caught:
        wire.call("POST", safe=safe)
    assert caught.value.code == "HTTP-BROKEN-01"
    assert len(peer.seen) == sent
    assert 0.1 * sent <= time.monotonic() - began < 2


@pytest.mark.parametrize("timeout", [None, 30, (30, 30)])
def test_no_sdk_can_wait_for_longer_than_the_settings_say(peer, timeout):
    peer.scripts = [peer.silence]
    began = time.monotonic()
    with pytest.raises(Unknown):
        Wire(peer, read_timeout=0.1).call("POST", timeout=timeout)
    assert time.monotonic() - began < 2


def test_a_vendor_that_takes_no_connection_is_given_up_after_the_connect_timeout(peer):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, socket.socket() as first, socket.socket() as second:
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
        host = f"127.0.0.1:{deaf.getsockname()[1]}"
        wire = Wire(peer, hosts=frozenset({host}), connect_timeout=0.1, attempts=2)
        began = time.monotonic()
        with pytest.raises(TryLater) as caught:
            wire.call("POST", url=f"http://{host}")
        assert caught.value.code == "HTTP-CONNECT-01"
        assert 0.2 <= time.monotonic() - began < 2


# --- where calls go


def test_nothing_is_sent_to_a_host_that_is_not_on_the_list(peers, peer):
    other = peers()
    wire = Wire(peer)
    for url in (other.url, other.url.replace("127.0.0.1", "localhost"), "http://evil.example"):
        with pytest.raises(Refused) as caught:
            wire.call(url=url)
        assert caught.value.code == "HTTP-HOST-01"
    assert (other.seen, wire.meter.calls) == ([], {})


def test_the_refusal_of_a_host_does_not_repeat_credentials_in_its_address(peer):
    with pytest.raises(Refused) as caught:
        Wire(peer).call(url=f"http://user:{SECRET}@evil.example")
    assert SECRET not in str(caught.value)
    assert "evil.example" in str(caught.value)


def test_a_host_may_be_listed_with_or_without_its_port(peer):
    assert Wire(peer, hosts=frozenset({"127.0.0.1"})).call() == {}
    assert Wire(peer, hosts=frozenset({peer.host})).call() == {}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_followed_nowhere(peers, status, method):
    target = peers()
    peer = peers(answer(status, Location=f"{target.url}/elsewhere"))
    wire = Wire(peer, hosts=frozenset({"127.0.0.1"}))
    with pytest.raises(NotAuthorised) as caught:
        wire.call(method)
    assert caught.value.code == "HTTP-REDIRECT-01"
    assert (len(peer.seen), target.seen) == (1, [])


def test_proxies_of_the_environment_are_not_used(peers, peer, monkeypatch):
    proxy = peers()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv(name.lower(), proxy.url)
    assert Wire(peer).call() == {}
    assert (len(peer.seen), proxy.seen) == (1, [])


def test_the_proxy_of_the_settings_is_used(peers, peer):
    proxy = peers()
    assert Wire(peer, proxy=proxy.url).call() == {}
    assert [seen.line for seen in proxy.seen] == [f"GET {peer.url}/thing HTTP/1.1"]
    assert peer.seen == []


@pytest.mark.parametrize("safe", [True, False])
def test_a_proxy_that_is_down_means_that_nothing_was_sent(peer, safe):
    wire = Wire(peer, proxy=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(TryLater) as caught:
        wire.call("POST", safe=safe)
    assert caught.value.code == "HTTP-CONNECT-01"


def test_a_netrc_file_gives_no_credentials_away(peer, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    wire = Wire(peer)
    wire.caller.call(lambda: wire.session.get(f"{peer.url}/thing"), safe=True)
    assert "authorization" not in peer.seen[0].headers


def test_calls_can_be_sent_elsewhere_by_their_origin(peer):
    wire = Wire(peer, rewrite={"https://acme.example": peer.url})
    assert wire.call(url="https://acme.example", params={"q": "a b"}) == {}
    assert peer.seen[0].line == "GET /thing?q=a+b HTTP/1.1"


# --- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(made - timedelta(days=1))
        .not_valid_after(made + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "own.pem"
    pkcs8 = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(key.private_bytes(*pkcs8) + signed.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def tls(peers: Callable[..., Peer], certificate: Path) -> Peer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    made: Peer = peers(wrap=lambda connection: context.wrap_socket(connection, server_side=True))
    return made


def test_a_certificate_that_nobody_vouches_for_is_refused_and_nothing_is_sent(tls):
    wire = Wire(tls)
    with pytest.raises(NotAuthorised) as caught:
        wire.call("POST", url=f"https://{tls.host}")
    assert caught.value.code == "HTTP-TLS-01"
    assert tls.seen == []


def test_the_ca_bundle_of_the_settings_is_trusted(tls, certificate):
    assert Wire(tls, ca_bundle=str(certificate)).call(url=f"https://{tls.host}") == {}


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_ca_bundle_of_the_environment_is_not_trusted(tls, certificate, monkeypatch, name):
    monkeypatch.setenv(name, str(certificate))
    with pytest.raises(NotAuthorised):
        Wire(tls).call(url=f"https://{tls.host}")


def test_no_sdk_can_switch_the_check_of_certificates_off(tls):
    with pytest.raises(NotAuthorised):
        Wire(tls).call(url=f"https://{tls.host}", verify=False)


# --- the meter


def test_the_meter_is_told_of_every_call_by_its_endpoint_and_price(peers):
    wire = Wire(peers(cut, answer(), answer(404, b"{}")))
    wire.call(path="/thing/42")
    wire.send(path="/thing/42/heavy")
    assert wire.meter.told == [("GET /thing/{id}", 0), ("GET /thing/{id}", 200), ("GET /thing/{id}/heavy", 404)]


def test_the_price_of_a_call_reaches_the_meter(peer, monkeypatch):
    wire = Wire(peer)
    costs = []
    monkeypatch.setattr(wire.meter, "before", lambda _endpoint, cost=1: costs.append(cost))
    wire.call(path="/light")
    wire.call(path="/heavy")
    assert costs == [1, 10]


def test_a_meter_that_says_later_keeps_the_call_from_being_sent(peer, monkeypatch):
    wire = Wire(peer, attempts=2)

    def before(endpoint: str, cost: int = 1) -> None:
        raise TryLater("The pace is used up. It goes on.", code="PACE-01", delay=3)

    monkeypatch.setattr(wire.meter, "before", before)
    with pytest.raises(TryLater) as caught:
        wire.call("POST")
    assert (caught.value.code, peer.seen, wire.slept) == ("PACE-01", [], [3])


# --- threads and answers


def test_threads_share_a_session_and_wait_for_a_free_connection(peers):
    peer = peers(slowly)
    wire = Wire(peer, connections=2)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: wire.call(), range(40)))
    assert (answers, len(peer.seen), wire.meter.calls) == ([{}] * 40, 40, {"GET /thing": 40})
    # One more at most: a connection that the client has closed may not be so for the peer yet.
    assert peer.most <= 3


def test_an_empty_answer_is_nothing_and_no_failure(peers):
    assert Wire(peers(answer(204, b""))).call() is None
