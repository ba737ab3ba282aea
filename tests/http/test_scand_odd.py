"""Containers as no usual program writes them, and some unpacker reads them all the same: they are
kept back, and what only looks like one is not."""

import base64
import binascii
import gzip
import hashlib
import io
import lzma
import os
import struct
import subprocess
import zipfile
import zlib
from email.message import EmailMessage

import pytest
from scand_client import Scanner
from scand_containers import brought_out, packed, written
from scand_samples import EICAR, noise

CLEAN = ("clean", "")
HARMLESS = b"Guten Tag. " * 900


@pytest.fixture(scope="module")
def scanner(tmp_path_factory):
    with Scanner(tmp_path_factory.mktemp("scand"), "--max-time", 300_000) as scanner:
        yield scanner


def sevenzip(folder, content, *options):
    return packed("7z", "7z", "a", "-bd", *options, "OUT", "ALL")(
        folder, [("e.com", content)], None
    )


def tar_head(name, size, kind, link=b""):
    head = bytearray(512)
    head[: len(name)] = name
    head[100:124] = b"0000644\0" + b"0000000\0" * 2
    head[124:136] = b"%011o\0" % size
    head[136:156] = b"00000000000\0" + b" " * 8
    head[156:157] = kind
    head[157 : 157 + len(link)] = link
    head[257:265] = b"ustar\x0000"
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


def tar_of(kind, extended=b""):
    """Returns a tar archive in which EICAR stands behind a header of KIND, such as a link's."""
    first = tar_head(b"a", 5, b"0") + b"Guten".ljust(512, b"\0")
    if extended:
        extended = tar_head(b"p", len(extended), b"x") + extended.ljust(512, b"\0")
    held = EICAR.ljust(512, b"\0")
    head = tar_head(b"b", len(EICAR), kind, b"a")
    return extended + first + extended + head + held + bytes(1024)


def lzma_of(dictionary, size=2**64 - 1):
    coder = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16}]
    raw = lzma.compress(EICAR, lzma.FORMAT_RAW, filters=coder)
    return b"\x5d" + struct.pack("<IQ", dictionary, size) + raw


def lzip_of_version_0():
    raw = lzma_of(0)[13:]
    return b"LZIP\0\x10" + raw + struct.pack("<IQ", zlib.crc32(EICAR), len(EICAR))


def lz4_behind_a_frame_to_skip():
    made = subprocess.run(["lz4", "-c"], input=EICAR, capture_output=True, check=True).stdout
    return b"\x50\x2a\x4d\x18" + struct.pack("<I", 4) + b"skip" + made


def cab(folder):
    """Returns a cabinet with something else than 0 in its first reserved number."""
    made = packed("cab", "gcab", "-cz", "OUT", "ALL")(folder, [("e.com", EICAR)], None)
    return made[:4] + b"\1\0\0\0" + made[8:]


def iso(folder):
    """Returns an image without a primary volume descriptor."""
    made = bytearray(packed("iso", "bsdtar", "--format=iso9660", "-cf", "OUT", "ALL")(
        folder, [("e.com", EICAR)], None))  # fmt: skip
    made[32768] = 2
    return bytes(made)


def ext(folder):
    """Returns an image of ext2 that was not unmounted."""
    (folder / "root").mkdir(parents=True)
    (folder / "root/e.com").write_bytes(EICAR)
    call = ["/usr/sbin/mke2fs", "-q", "-t", "ext2", "-d", "root", "image", "200"]
    subprocess.run(call, cwd=folder, check=True, capture_output=True)
    made = bytearray((folder / "image").read_bytes())
    made[1082] = 0
    return bytes(made)


def xar(size):
    """Returns a xar archive whose header has SIZE bytes."""
    held = zlib.compress(EICAR)
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<xar><toc><checksum style="sha1"><size>20</size><offset>0</offset></checksum>
<file id="1"><data><length>{len(held)}</length><encoding style="application/x-gzip"/>
<offset>20</offset><size>{len(EICAR)}</size></data><name>e.com</name><type>file</type></file>
</toc></xar>""".encode()
    contents = zlib.compress(text)
    head = b"xar!" + struct.pack(">HHQQI", size, 1, len(contents), len(text), 1)
    return head.ljust(size, b"\0") + contents + hashlib.sha1(contents).digest() + held


TEXT = b"Guten Tag,\n\nanbei.\n"
MAIL = b"From: a@muster.example\nSubject: Belege\n\n" + TEXT


def uuencoded(content):
    lines = (binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45))
    return b"begin 644 a\n" + b"".join(lines) + b"`\nend\n"


def coded(content):
    return b"begin-base64 644 a\n" + base64.encodebytes(content) + b"====\n"


def ihex(content):
    """Returns CONTENT in Intel's hexadecimal format."""
    out = b""
    for at in range(0, len(content), 16):
        part = content[at : at + 16]
        record = bytes([len(part)]) + struct.pack(">HB", at, 0) + part
        out += b":" + (record + bytes([-sum(record) & 255])).hex().upper().encode() + b"\r\n"
    return out + b":00000001FF\r\n"


ODD = {
    "Intel's hexadecimal format": lambda tmp: ihex(EICAR),
    "uuencoded behind text": lambda tmp: TEXT + uuencoded(tar_of(b"0")),
    "base64 of uuencode": lambda tmp: coded(tar_of(b"0")),
    "base64 of uuencode in a mail": lambda tmp: MAIL + coded(gzip.compress(tar_of(b"0"))),
    "tar, character device": lambda tmp: tar_of(b"3"),
    "tar, pipe": lambda tmp: tar_of(b"6"),
    "tar, hard link": lambda tmp: tar_of(b"1", b"20 comment=aaaaaaaa\n"),
    "lzip of version 0": lambda tmp: lzip_of_version_0(),
    "LZ4 behind a frame to skip": lambda tmp: lz4_behind_a_frame_to_skip(),
    "LZMA, smallest dictionary": lambda tmp: lzma_of(1),
    "LZMA, small dictionary": lambda tmp: lzma_of(2048),
    "LZMA, largest dictionary": lambda tmp: lzma_of(2**32 - 1, len(EICAR)),
    "LZMA, far too long": lambda tmp: lzma_of(1 << 16, 1 << 40),
    "LZMA86": lambda tmp: b"\0" + lzma_of(1 << 16, len(EICAR)),
    "cabinet, reserved number": cab,
    "cabinet, the same behind others": lambda tmp: noise(1024) + cab(tmp),
    "ISO without primary volume": iso,
    "ext2, not unmounted": ext,
    "xar": lambda tmp: xar(28),
    "xar, longer header": lambda tmp: xar(64),
    "7z in a song": lambda tmp: b"ID3\3" + noise(900) + sevenzip(tmp, EICAR),
    "7z in a database": lambda tmp: b"SQLite format 3\0" + noise(900) + sevenzip(tmp, EICAR),
}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD.keys())
def test_odd_containers_are_not_clean(scanner, tmp_path, make):
    content = make(tmp_path / "made")
    assert brought_out(tmp_path, content, EICAR)
    assert scanner.scan(content) != CLEAN


def stored(*files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def mail_with(content):
    message = EmailMessage()
    message["Subject"] = "Belege"
    message.set_content("anbei\n")
    message.add_attachment(content, maintype="application", subtype="x-7z-compressed")
    return message.as_bytes()


AROUND = {
    "zip": lambda tmp, inner: stored(("a.7z", inner), ("b.txt", HARMLESS), ("c.7z", inner)),
    "gz": lambda tmp, inner: gzip.compress(inner),
    "eml": lambda tmp, inner: mail_with(inner),
    "7z": lambda tmp, inner: sevenzip(tmp, inner, "-m0=Copy"),
    "tar": lambda tmp, inner: tar_head(b"a.7z", len(inner), b"0")
    + inner + bytes(-len(inner) % 512 + 1024),
}  # fmt: skip


@pytest.mark.parametrize("kind", AROUND)
def test_7z_that_libclamav_opens_is_clean(scanner, tmp_path, kind):
    inner = sevenzip(tmp_path / "inner", HARMLESS)
    assert scanner.scan(AROUND[kind](tmp_path / "outer", inner)) == CLEAN


@pytest.mark.parametrize("form", ["v7", "oldgnu", "gnu", "ustar", "posix"])
def test_tar_with_links_and_folders_is_clean(scanner, tmp_path, form):
    folder = tmp_path / "files"
    written(folder, [("a", HARMLESS), ("b", HARMLESS)])
    (folder / "folder").mkdir()
    (folder / "soft").symlink_to("a")
    os.link(folder / "a", folder / "hard")
    call = ["tar", "-H", form, "-C", str(folder), "-cf", "-", "."]
    made = subprocess.run(call, capture_output=True, check=True).stdout
    assert scanner.scan(made) == CLEAN


def test_words_are_no_containers(scanner):
    assert scanner.scan(b"MSCF, xar! und LZIP sind alt, CD001 auch; -lh?-, 0707.\n" * 99) == CLEAN
    assert scanner.scan(b"begin 644 a\nund so weiter\nbegin 12 x\nbegin-base64\n" * 9) == CLEAN
    assert scanner.scan(MAIL + uuencoded(HARMLESS)) == CLEAN
    assert scanner.scan(b": 10 Uhr; :10000000 und :-) sind Text\n" * 9) == CLEAN
    assert scanner.scan(bytes(5000)) == CLEAN
    assert scanner.scan(b"\1" + bytes(5000)) == CLEAN


# What stands by chance in a picture or a film of some hundred megabytes.
SHORT = (b"\xed\xab\xee\xdb", b"xar!", b"MSCF", b"0707", b"\xc7\x71", b"\x71\xc7", b"\x60\xea",
         b"-lh", b"-lz", b"-pm", b"PK\5\6", b"PK\1\2", b"\x1f\x8b\x08", b"BZh", b"MZ",
         b"Rar!")  # fmt: skip


@pytest.mark.parametrize("magic", SHORT, ids=[magic.hex() for magic in SHORT])
def test_four_bytes_by_chance_are_no_container(scanner, magic):
    picture = b"picture" + b"".join(noise(999, seed) + magic for seed in range(9))
    assert scanner.scan(picture + noise(5000)) == CLEAN


def test_a_package_is_one_whatever_its_lead_says(scanner):
    """rpm itself looks at the lead's magic and not at its version or type."""
    lead = b"\xed\xab\xee\xdb" + b"\xff" * 92
    for signature in (b"", noise(256)):
        package = noise(999) + lead + signature + b"\x8e\xad\xe8\1" + noise(500, 2)
        assert scanner.scan(package) == ("unscannable", "unsupported")


def test_a_directory_of_many_and_many_headers_take_no_time(scanner):
    """It is looked up for each of the headers whether the directory names it: 128 thousand million
    comparisons would outlast this test's patience."""
    header = b"PK\3\4" + b"\x14\0\0\0\xff\xff"  # of no known method
    numbers = (20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 7)
    entry = b"PK\1\2" + struct.pack("<HHHHHHIIIHHHHHII", *numbers) + b"a"
    entries, headers = 32_000 * entry, 4_000_000 * header
    end = struct.pack("<HHHHIIH", 0, 0, 32_000, 32_000, len(entries), len(headers), 0)
    content = b"x" + headers + entries + b"PK\5\6" + end
    assert scanner.scan(content) == CLEAN
