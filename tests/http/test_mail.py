"""Outgoing mail against a real SMTP server: TLS, sign-in, received messages, refusals."""

import asyncio
import json
import os
import re
import shlex
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr, parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "geheim-4711"
# An address of this machine that does not look like loopback, so TLS is required.
OUTSIDE = "0.0.0.0"


@pytest.fixture(scope="session")
def mail_send(tmp_path_factory):
    """The helper program, built with sanitizers from the sources that it needs."""
    program = tmp_path_factory.mktemp("mail") / "mail_send"
    libraries = ["apr-1", "libcurl", "gmime-3.0", "libidn2", "jansson", "libsodium"]
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", *libraries], check=True, capture_output=True, text=True
    ).stdout
    sources = [
        ROOT / "tests/unit/mail_send.c",
        *(ROOT / f"mod_kanzlei/base/{name}.c" for name in ("clock", "err", "metrics")),
        *sorted((ROOT / "mod_kanzlei/io/mail").glob("*.c")),
    ]
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    subprocess.run(
        ["gcc", "-std=gnu11", "-g", "-D_GNU_SOURCE", *sanitize, f"-I{ROOT}/mod_kanzlei"]
        + ["-o", str(program), *map(str, sources), *shlex.split(flags)],
        check=True,
    )
    return program


def certificate(folder, subject, names, issuer=None, days=30):
    """Makes a key and a certificate in FOLDER; ISSUER is what an earlier call returned."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.now(timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer["name"] if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    cert = builder.sign(issuer["key"] if issuer else key, hashes.SHA256())
    path = folder / f"{subject}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + cert.public_bytes(serialization.Encoding.PEM)
    )
    public = folder / f"{subject}.crt"
    public.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    return {"key": key, "name": name, "path": path, "crt": public}


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    ca = certificate(folder, "ca", None)
    here = [x509.DNSName("localhost")]
    here += [x509.IPAddress(ip_address(a)) for a in ("127.0.0.1", OUTSIDE)]
    return {
        "ca": ca,
        "other_ca": certificate(folder, "other-ca", None),
        "good": certificate(folder, "good", here, ca),
        "other_name": certificate(folder, "other", [x509.DNSName("mail.example")], ca),
        "expired": certificate(folder, "expired", here, ca, days=-1),
    }


class Box:
    """Collects the received mails; answers as a test wants. aiosmtpd handles other commands."""

    def __init__(self, rcpt=None, data=None, mail=None):
        self.answers = {"rcpt": rcpt, "data": data, "mail": mail}
        self.mails = []
        self.signed_in = []

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.answers["mail"]:
            return self.answers["mail"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.answers["rcpt"]:
            return self.answers["rcpt"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answers["data"]:
            return self.answers["data"]
        tls = session.ssl["cipher"][1] if session.ssl else None
        self.mails.append({"envelope": envelope, "tls": tls, "ehlo": session.host_name})
        return "250 accepted"

    def authenticate(self, server, session, envelope, mechanism, data):
        self.signed_in.append(data.login)
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@contextmanager
def smtp_server(box, cert=None, auth=False, implicit=False, maximum=None):
    """Runs an SMTP server for BOX and gives its port; with CERT it offers STARTTLS."""
    context = None
    if cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(cert["path"])
        if maximum:
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = maximum
            context.set_ciphers("ALL:@SECLEVEL=0")

    def session():
        return SMTP(
            box,
            hostname="mail.example",
            tls_context=None if implicit else context,
            auth_required=auth,
            auth_require_tls=not implicit,
            authenticator=box.authenticate,
            loop=loop,
        )

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        loop.create_server(session, "127.0.0.1", 0, ssl=context if implicit else None)
    )
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)


@pytest.fixture
def send(mail_send, pki):
    def run(url, config=(), mail=(), env=()):
        message = {
            "config": {
                "url": url,
                "from": "portal@kanzlei.example",
                "ca_file": str(pki["ca"]["crt"]),
                "timeout_ms": 20000,
                **dict(config),
            },
            "mail": {
                "to": "maria@example.org",
                "to_name": "Maria Müller-Lüdenscheidt",
                "from_name": "Kanzlei Groß & Söhne",
                "reply_to": "post@gross.example",
                "subject": "Für Sie: drei neue Dokumente €",
                "text": "Guten Tag,\n\nes gibt Neues für Sie.\n.\n..zwei Punkte\n" + "ö" * 2000,
                "html": "<p>Guten Tag,<br>es gibt Neues für Sie.</p>\n",
                "message_id": "0190-a@kanzlei.example",
                **dict(mail),
            },
        }
        result = subprocess.run(
            [mail_send],
            input=json.dumps(message),
            capture_output=True,
            text=True,
            timeout=60,
            env={"PATH": os.environ["PATH"], "all_proxy": "http://127.0.0.1:9", **dict(env)},
        )
        assert result.returncode == 0, result.stderr
        assert result.stderr == ""  # no report of a sanitizer
        assert "maria" not in result.stdout and PASSWORD not in result.stdout
        return result.stdout.strip()

    return run


SIGN_IN = {"user": "portal", "password": PASSWORD}


def test_starttls_and_sign_in(send, pki):
    box = Box()
    with smtp_server(box, pki["good"], auth=True) as port:
        assert send(f"smtp://{OUTSIDE}:{port}", SIGN_IN) == "sent"
    (mail,) = box.mails
    assert mail["tls"] in ("TLSv1.2", "TLSv1.3")
    assert mail["ehlo"] == "kanzlei.example"
    assert box.signed_in == [b"portal"]
    assert mail["envelope"].mail_from == "portal@kanzlei.example"
    assert mail["envelope"].rcpt_tos == ["maria@example.org"]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_smtps(send, pki):
    box = Box()
    with smtp_server(box, pki["good"], auth=True, implicit=True) as port:
        assert send(f"smtps://{OUTSIDE}:{port}", SIGN_IN) == "sent"
    assert len(box.mails) == 1


def test_message_arrives_as_written(send, pki):
    box = Box()
    with smtp_server(box, pki["good"]) as port:
        assert send(f"smtp://{OUTSIDE}:{port}") == "sent"
    raw = box.mails[0]["envelope"].original_content
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    raw.decode("ascii")
    message = message_from_bytes(raw, policy=policy.default)
    assert message.defects == []
    assert message["subject"] == "Für Sie: drei neue Dokumente €"
    sender = message["from"].addresses[0]
    assert (sender.display_name, sender.addr_spec) == (
        "Kanzlei Groß & Söhne",
        "portal@kanzlei.example",
    )
    assert message["to"].addresses[0].display_name == "Maria Müller-Lüdenscheidt"
    assert message["reply-to"].addresses[0].addr_spec == "post@gross.example"
    assert message["message-id"] == "<0190-a@kanzlei.example>"
    assert message["auto-submitted"] == "auto-generated"
    assert message["mime-version"] == "1.0"
    age = datetime.now(timezone.utc) - parsedate_to_datetime(message["date"])
    assert abs(age) < timedelta(hours=1)
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    expected = "Guten Tag,\n\nes gibt Neues für Sie.\n.\n..zwei Punkte\n" + "ö" * 2000
    assert text.get_content().replace("\r\n", "\n").rstrip("\n") == expected
    assert (
        html.get_content().replace("\r\n", "\n") == "<p>Guten Tag,<br>es gibt Neues für Sie.</p>\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        "ä" * 150,
        "Grundstücksverkehrsgenehmigungszuständigkeitsübertragungsverordnung" * 3,
        "日本語の会社" * 20,
        "a" * 200,
        "Kanzlei " * 24 + "Groß",
        "=?utf-8?q?Kanzlei_Linde?=",
        "Kanzlei =?utf-8?b?TGluZGU=?= (Ost), \"Süd\"; <nord@x.example>",
        "x=?y?=z",
        "😀" * 40,
    ],
)
def test_words_in_headers_are_read_as_written(send, pki, words):
    """RFC 2047 section 2: an encoded-word has at most 75 characters, a line of them 76; whole
    characters stand in each (section 5). What only looks like one is encoded."""
    box = Box()
    with smtp_server(box, pki["good"]) as port:
        fields = {"subject": words, "from_name": words, "to_name": words}
        assert send(f"smtp://{OUTSIDE}:{port}", mail=fields) == "sent"
    raw = box.mails[0]["envelope"].original_content
    head = raw.split(b"\r\n\r\n")[0].decode("ascii")
    found = re.findall(r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=", head)
    assert all(len(word) <= 75 for word in found), [len(word) for word in found]
    assert all(len(line) <= 76 or "=?" not in line for line in head.split("\r\n"))
    for word in found:
        bytes_of, charset = decode_header(word)[0]
        bytes_of.decode(charset)
    # Python's newer parser keeps the blank between encoded-words of a name, against section 6.2.
    message = message_from_bytes(raw, policy=policy.compat32)
    unfolded = {name: message[name].replace("\r\n", "") for name in ("Subject", "From", "To")}
    assert str(make_header(decode_header(unfolded["Subject"]))) == words
    for name, address in (("From", "portal@kanzlei.example"), ("To", "maria@example.org")):
        phrase, addr_spec = parseaddr(unfolded[name])
        assert (str(make_header(decode_header(phrase))), addr_spec) == (words, address)


def test_without_names_and_reply_to(send, pki):
    box = Box()
    with smtp_server(box, pki["good"]) as port:
        empty = {"to_name": None, "from_name": None, "reply_to": None}
        assert send(f"smtp://{OUTSIDE}:{port}", mail=empty) == "sent"
    message = message_from_bytes(box.mails[0]["envelope"].content, policy=policy.default)
    assert message["from"] == "portal@kanzlei.example"
    assert message["reply-to"] is None


def test_no_starttls_no_mail(send):
    box = Box()
    with smtp_server(box) as port:
        assert send(f"smtp://{OUTSIDE}:{port}", {"ca_file": None}).startswith("MAIL ")
        assert send(f"smtp://localhost:{port}").startswith("MAIL ")  # a ca_file requires TLS
    assert box.mails == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_needs_no_tls(send, host):
    box = Box()
    with smtp_server(box) as port:
        assert send(f"smtp://{host}:{port}", {"ca_file": None}) == "sent"
    assert box.mails[0]["tls"] is None


@pytest.mark.parametrize("which", ["other_name", "expired", "other_ca"])
def test_wrong_certificate(send, pki, which):
    box = Box()
    ca = pki["other_ca"] if which == "other_ca" else pki["ca"]
    with smtp_server(box, pki["good" if which == "other_ca" else which], auth=True) as port:
        answer = send(f"smtp://{OUTSIDE}:{port}", {**SIGN_IN, "ca_file": str(ca["crt"])})
    assert answer.startswith("MAIL ")
    assert box.mails == [] and box.signed_in == []


LAX_OPENSSL = """
openssl_conf = top
[top]
ssl_conf = ssl
[ssl]
system_default = lax
[lax]
MinProtocol = TLSv1
CipherString = DEFAULT@SECLEVEL=0
"""


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")
def test_old_tls_is_refused(send, pki, tmp_path):
    """Old TLS is refused even where the system's settings would allow it."""
    lax = tmp_path / "openssl.cnf"
    lax.write_text(LAX_OPENSSL)
    box = Box()
    with smtp_server(box, pki["good"], maximum=ssl.TLSVersion.TLSv1_1) as port:
        answer = send(f"smtp://{OUTSIDE}:{port}", env={"OPENSSL_CONF": str(lax)})
    assert answer.startswith("MAIL ")
    assert box.mails == []


def test_wrong_password_may_be_tried_again(send, pki):
    box = Box()
    with smtp_server(box, pki["good"], auth=True) as port:
        answer = send(f"smtp://{OUTSIDE}:{port}", {"user": "portal", "password": "falsch"})
    assert answer.startswith("MAIL ") and "falsch" not in answer
    assert box.signed_in and box.mails == []


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"rcpt": "550 5.1.1 maria@example.org: no such user"}, "INVALID"),
        ({"rcpt": "550-5.1.1 no such user\r\n550 5.1.1 really"}, "INVALID"),
        ({"rcpt": "450 4.2.1 maria@example.org: try later"}, "MAIL"),
        ({"mail": "550 5.7.1 sender refused"}, "MAIL"),
        ({"data": "554 5.7.1 maria@example.org: looks like spam"}, "MAIL"),
        ({"data": "451 4.3.0 no space"}, "MAIL"),
    ],
)
def test_answers_of_the_server(send, pki, answers, code):
    box = Box(**answers)
    with smtp_server(box, pki["good"]) as port:
        assert send(f"smtp://{OUTSIDE}:{port}").split()[0] == code
    assert box.mails == []


def test_nobody_listens(send):
    with socket.socket() as bound:  # bound, not listening: the connection is refused
        bound.bind(("127.0.0.1", 0))
        assert send(f"smtp://127.0.0.1:{bound.getsockname()[1]}").startswith("MAIL ")


def test_silent_server_ends_in_time(send):
    """A server accepts and says nothing: without a bound this would wait for minutes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept = []
        thread = threading.Thread(target=lambda: kept.append(listener.accept()), daemon=True)
        thread.start()
        url = f"smtp://127.0.0.1:{listener.getsockname()[1]}"
        assert send(url, {"timeout_ms": 300}).startswith("MAIL ")
        thread.join(timeout=10)
        for connection, _ in kept:
            connection.close()


class Hanging(Box):
    """Does not answer COMMAND until the test lets it go."""

    def __init__(self, command):
        super().__init__()
        self.command, self.go = command, threading.Event()

    async def hang(self, command):
        while command == self.command and not self.go.is_set():
            await asyncio.sleep(0.01)

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        await self.hang("EHLO")
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, *words):
        await self.hang("RCPT")
        return await super().handle_RCPT(*words)

    async def handle_DATA(self, *words):
        answer = await super().handle_DATA(*words)
        await self.hang("DATA")
        return answer

    async def handle_QUIT(self, server, session, envelope):
        await self.hang("QUIT")
        return "221 Bye"


@pytest.mark.parametrize(
    ("command", "answer"), [("EHLO", "MAIL"), ("RCPT", "MAIL"), ("DATA", "MAIL"), ("QUIT", "sent")]
)
def test_hanging_server_ends_in_time(send, pki, command, answer):
    """No command is waited for longer than the configured time. Without the bound the helper would
    wait for libcurl's two minutes, and the test for the helper one minute at most."""
    box = Hanging(command)
    with smtp_server(box, pki["good"]) as port:
        try:
            assert send(f"smtp://{OUTSIDE}:{port}", {"timeout_ms": 1000}).split()[0] == answer
        finally:
            box.go.set()


def test_header_injection(send, pki):
    box = Box()
    with smtp_server(box, pki["good"]) as port:
        for field in ("subject", "from_name", "to_name", "to", "reply_to", "message_id"):
            evil = {field: "a@b.example\r\nBcc: otto@example.org"}
            assert send(f"smtp://{OUTSIDE}:{port}", mail=evil).startswith("INVALID ")
    assert box.mails == []
