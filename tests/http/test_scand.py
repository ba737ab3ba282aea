"""kanzlei-scand's verdicts. libclamav with its defaults calls most of these documents clean."""

import bz2
import fcntl
import gzip
import lzma
import os
import socket
import subprocess
import zipfile

import pytest
from scand_client import (
    F_ADD_SEALS,
    F_SEAL_GROW,
    F_SEAL_SHRINK,
    F_SEAL_WRITE,
    SEALED,
    Scanner,
    link,
    memfd,
    now_ms,
    until,
)
from scand_samples import (
    EICAR,
    RAR4,
    RAR5,
    TESTFILES,
    bomb,
    cfb,
    doc,
    docx,
    encrypted_pdf,
    forwarded,
    nested,
    noise,
    odt,
    ooxml_encrypted,
    pdf,
    ppt,
    sevenzip,
    tarred,
    xls,
    zipped,
)

INFECTED = ("infected", "Eicar-Test-Signature.UNOFFICIAL")
CLEAN = ("clean", "")


def unscannable(reason):
    return ("unscannable", reason)


@pytest.fixture(scope="module")
def scanner(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scand")
    with Scanner(folder, "--max-bytes", 64 << 20, "--max-time", 300_000) as scanner:
        yield scanner
        # The log has a line for a scan only if it found something; no other lines are allowed.
        known = ("ready:", "infected:", "unscannable:", "libclamav warns while scanning: ")
        for line in scanner.log.splitlines():
            assert any(word in line for word in known), line


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """With limits that small samples exceed."""
    folder = tmp_path_factory.mktemp("small")
    with Scanner(folder, "--max-bytes", 1 << 20, "--max-unpacked", 8 << 20) as scanner:
        yield scanner


CLEAN_ONES = {
    "text": lambda tmp: b"Sehr geehrte Frau Muster\n",
    "nothing": lambda tmp: b"",
    "noise": lambda tmp: noise(1 << 20),
    "zip": lambda tmp: zipped(("a/", b""), ("a/brief.txt", b"Guten Tag"), ("a/tiny", b"x")),
    "empty zip": lambda tmp: zipped(),
    "nested zip": lambda tmp: nested(5, b"Guten Tag"),
    "7z": lambda tmp: sevenzip(tmp, "a.7z", content=b"Guten Tag"),
    "pdf": lambda tmp: pdf(),
    # Everybody can open these, and so can libclamav.
    "pdf with an owner's password": lambda tmp: encrypted_pdf(tmp, ""),
    "docx": lambda tmp: docx(),
    "doc": lambda tmp: doc(False),
    "xls": lambda tmp: xls(False),
    "ppt": lambda tmp: ppt(False),
    "odt": lambda tmp: odt(False),
    "words about it": lambda tmp: "EncryptedPackage EncryptionInfo".encode("utf-16-le"),
}


@pytest.mark.parametrize("make", CLEAN_ONES.values(), ids=CLEAN_ONES.keys())
def test_clean(scanner, tmp_path, make):
    assert scanner.scan(make(tmp_path)) == CLEAN


INFECTED_ONES = {
    "plain": lambda tmp: EICAR,
    "with a line end": lambda tmp: EICAR + b"\r\n",
    "zip": lambda tmp: zipped(("e", EICAR)),
    "stored": lambda tmp: zipped(("e", EICAR), method=zipfile.ZIP_STORED),
    "bzip2 in zip": lambda tmp: zipped(("e", EICAR), method=zipfile.ZIP_BZIP2),
    "at the end of 11 MB": lambda tmp: zipped(
        *((f"{i}", noise(1 << 20, i)) for i in range(11)), ("e", EICAR)
    ),
    "nested five deep": lambda tmp: nested(5),
    "7z": lambda tmp: sevenzip(tmp, "a.7z"),
    "tar.gz": lambda tmp: tarred(EICAR),
    "forwarded as an attachment": lambda tmp: forwarded(EICAR),
    "twice": lambda tmp: forwarded(forwarded(EICAR)),
    # A virus counts more than a part that could not be scanned.
    "beside RAR": lambda tmp: zipped(("r.rar", RAR5), ("e", EICAR)),
    "beside a cipher": lambda tmp: zipped(("x.docx", ooxml_encrypted()), ("e", EICAR)),
}


@pytest.mark.parametrize("make", INFECTED_ONES.values(), ids=INFECTED_ONES.keys())
def test_infected(scanner, tmp_path, make):
    assert scanner.scan(make(tmp_path)) == INFECTED


def test_every_size_of_archive(scanner):
    """With use_aging, which this program does not set, libclamav missed most of these."""
    for size in (8, 9, 12, 15, 19):
        members = [(f"{i}", noise(1 << 20, i)) for i in range(size)]
        assert scanner.scan(zipped(*members, ("e", EICAR))) == INFECTED, f"{size} MB"


def test_clamav_testfiles(scanner):
    files = sorted(TESTFILES.glob("clam*"))
    assert len(files) == 44
    found = {file.name: scanner.scan(file.read_bytes()) for file in files}
    assert set(found.values()) == {("infected", "ClamAV-Test-File.UNOFFICIAL")}, found


ENCRYPTED_ONES = {
    "zip": lambda tmp: sevenzip(tmp, "a.zip", "-pgeheim"),
    "zip, AES": lambda tmp: sevenzip(tmp, "a.zip", "-pgeheim", "-mem=AES256"),
    "7z": lambda tmp: sevenzip(tmp, "a.7z", "-pgeheim"),
    "7z with its names": lambda tmp: sevenzip(tmp, "a.7z", "-pgeheim", "-mhe=on"),
    "pdf": lambda tmp: encrypted_pdf(tmp, "geheim"),
    "docx": lambda tmp: ooxml_encrypted(),
    "doc": lambda tmp: doc(True),
    "xls": lambda tmp: xls(True),
    "ppt": lambda tmp: ppt(True),
    "odt": lambda tmp: odt(True),
    "odt, UTF-16": lambda tmp: odt(True, "utf-16"),
    "odt, UTF-16 without a mark": lambda tmp: odt(True, "utf-16-be"),
    "odt, a long manifest": lambda tmp: odt(True, comment="x" * (5 << 20)),
    "docx in a zip": lambda tmp: zipped(("brief.docx", ooxml_encrypted())),
    "zip in a zip": lambda tmp: zipped(("a.zip", sevenzip(tmp, "a.zip", "-pgeheim"))),
}


@pytest.mark.parametrize("make", ENCRYPTED_ONES.values(), ids=ENCRYPTED_ONES.keys())
def test_encrypted(scanner, tmp_path, make):
    assert scanner.scan(make(tmp_path)) == unscannable("encrypted")


RAR_ONES = {
    "version 4": RAR4,
    "version 5": RAR5,
    "in a zip": zipped(("a.rar", RAR4)),
    "self-extracting": b"MZ" + b"\0" * 600 + RAR5,
    "behind other bytes": noise(1024) + RAR4,
    "behind a picture": b"\x89PNG\r\n\x1a\n" + noise(70_000) + RAR5,
}


@pytest.mark.parametrize("content", RAR_ONES.values(), ids=RAR_ONES.keys())
def test_rar(scanner, content):
    assert scanner.scan(content) == unscannable("rar")


def mixed_sevenzip(folder):
    """Returns an archive whose first member libclamav unpacks, and whose second it doesn't."""
    sevenzip(folder, "a.7z", "-m0=LZMA", content=b"Guten Tag")
    (folder / "eicar.txt").rename(folder / "first.txt")
    subprocess.run(["7z", "rn", "-bd", "a.7z", "eicar.txt", "first.txt"], cwd=folder, check=True)
    return sevenzip(folder, "a.7z", "-m0=Deflate")


UNREAD_ONES = {
    "LZMA in zip": lambda tmp: zipped(("e", EICAR), method=zipfile.ZIP_LZMA),
    "PPMd in zip": lambda tmp: sevenzip(tmp, "a.zip", "-mm=PPMd"),
    "BZip2 in 7z": lambda tmp: sevenzip(tmp, "a.7z", "-m0=BZip2"),
    "Deflate in 7z": lambda tmp: sevenzip(tmp, "a.7z", "-m0=Deflate"),
    "nested": lambda tmp: zipped(("a.7z", sevenzip(tmp, "a.7z", "-m0=BZip2"))),
    # What comes behind the 7z has the very size of the member that could not be unpacked.
    "7z before a file of its member's size": lambda tmp: zipped(
        ("a.7z", mixed_sevenzip(tmp)), ("b", b"x" * len(EICAR))
    ),
    "zip without its directory": lambda tmp: zipped(("e", EICAR)).split(b"PK\1\2")[0],
}


@pytest.mark.parametrize("make", UNREAD_ONES.values(), ids=UNREAD_ONES.keys())
def test_what_could_not_be_unpacked(scanner, tmp_path, make):
    assert scanner.scan(make(tmp_path)) == unscannable("unsupported")


DAMAGED_ONES = {
    "truncated zip": zipped(("e", noise(9000)))[:4000],
    "truncated gzip": gzip.compress(noise(9000))[:4000],
    "truncated bzip2": bz2.compress(noise(9000))[:4000],
    "truncated xz": lzma.compress(noise(9000))[:4000],
}


@pytest.mark.parametrize("content", DAMAGED_ONES.values(), ids=DAMAGED_ONES.keys())
def test_damaged(scanner, content):
    assert scanner.scan(content) == unscannable("error")


def test_unreadable(scanner):
    """libclamav calls a document clean of which it can't read a byte."""
    with memfd(EICAR, 0) as fd:
        blind = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_CLOEXEC)
    fcntl.fcntl(blind, F_ADD_SEALS, SEALED)
    assert scanner.ask_fds([blind]).answer() == unscannable("error")
    os.close(blind)


def test_limits_of_depth_and_number(scanner):
    assert scanner.scan(nested(25)) == unscannable("limits")
    many = zipped(*((f"{i}", b"Guten Tag %d" % i) for i in range(11_000)), ("e", EICAR))
    assert scanner.scan(many) == unscannable("limits")


def test_limit_of_size(small):
    assert small.scan(bytes(1 << 20)) == CLEAN
    assert small.scan(bytes((1 << 20) + 1)) == unscannable("too_large")
    # A single member over the limit used to be cut without a message.
    assert small.scan(zipped(("a", bytes(30 << 20) + EICAR))) == unscannable("limits")
    several = [(f"{i}", bytes(3 << 20)) for i in range(5)]
    assert small.scan(zipped(*several, ("e", EICAR))) == unscannable("limits")


def test_time_limit_of_the_request(tmp_path):
    with Scanner(tmp_path, "--max-unpacked", 2147483645) as scanner:
        started = now_ms()
        assert scanner.scan(bomb(), ms=400) == unscannable("timeout")
        assert now_ms() - started >= 400
        assert scanner.scan(b"Guten Tag", ms=0) == unscannable("timeout")
        assert scanner.scan(EICAR) == INFECTED


def test_time_limit_of_the_scanner(tmp_path):
    with Scanner(tmp_path, "--max-unpacked", 2147483645, "--max-time", 300) as scanner:
        assert scanner.scan(bomb()) == unscannable("timeout")


def test_a_long_scan_sends_signs_of_life(tmp_path):
    """A long scan sends signs of life again and again."""
    with Scanner(tmp_path, "--max-unpacked", 2147483645) as scanner:
        ask = scanner.ask(bomb(), ms=3000)
        for _ in range(4):
            ask.begun()
        assert ask.answer() == unscannable("timeout")


@pytest.mark.parametrize("missing", [F_SEAL_WRITE, F_SEAL_GROW, F_SEAL_SHRINK, SEALED])
def test_unsealed_is_refused(scanner, missing):
    with memfd(b"Guten Tag", SEALED & ~missing) as fd:
        assert scanner.ask_fds([fd]).answer() == ("refused", "not a sealed memfd")


def test_other_descriptors_are_refused(scanner, tmp_path):
    (tmp_path / "file").write_bytes(b"Guten Tag")
    with open(tmp_path / "file", "rb") as file:
        assert scanner.ask_fds([file.fileno()]).answer() == ("refused", "not a sealed memfd")
    reading, writing = os.pipe()
    assert scanner.ask_fds([reading]).answer() == ("refused", "not a sealed memfd")
    os.close(reading)
    os.close(writing)


def test_bad_requests_are_refused(scanner):
    refused = ("refused", "not a request with one descriptor")
    with memfd(b"Guten Tag") as fd:
        assert scanner.ask_fds([fd] * 9).answer() == refused
        assert scanner.ask_fds([fd], more=b"m" * 9000).answer() == refused
        assert scanner.ask_fds([fd, fd]).answer() == refused
        assert scanner.ask_fds([fd], magic=4711).answer() == refused
        assert scanner.ask_fds([fd], more=b"more").answer() == refused
    assert scanner.ask_fds([]).answer() == refused
    for worker in scanner.workers():
        assert not [fd for fd in os.listdir(f"/proc/{worker}/fd") if "memfd" in link(worker, fd)]
    assert scanner.scan(EICAR) == INFECTED


def test_silent_clients_hold_no_worker(scanner):
    silent = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(4)]
    for connection in silent:
        connection.connect(scanner.path)
    assert scanner.scan(EICAR) == INFECTED
    for connection in silent:
        connection.close()


def test_nothing_is_left_in_the_private_folder(scanner):
    (folder,) = scanner.private_folders()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert scanner.scan(zipped(("a", noise(1 << 20)), ("b", noise(1 << 20)))) == CLEAN
    until(lambda: not [path for path in folder.rglob("*") if path.is_file()], "an empty folder")


def test_compound_files_with_lying_chains(scanner):
    """Any verdict will do, but there must be one: the header points outside of the file."""
    content = bytearray(doc(True))
    for offset in range(512, len(content) - 128, 128):
        content[offset + 116 : offset + 120] = b"\xf0\xff\xff\xff"
    assert scanner.scan(bytes(content))[0] in ("clean", "unscannable")
    assert scanner.scan(cfb({"WordDocument": b"x" * 4096})[:1000])[0] in ("clean", "unscannable")
