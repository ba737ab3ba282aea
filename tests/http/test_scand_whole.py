"""Clean means scanned whole: whatever an unpacker brings out of a document was seen by libclamav,
or the document is kept back; and what is whole is not kept back."""

import base64
import lzma
import random

import pytest
from scand_client import ROOT, Scanner
from scand_containers import PACKERS, brought_out, damaged, files_around, samples, tar
from scand_samples import EICAR, RAR5, encrypted_pdf, noise, sevenzip, zipped

CASES = ROOT.parent / "shared/cases"
CLEAN = ("clean", "")
WHOLE = {"zip by 7z", "7z", "7z, not solid", "7z, copied", "tar", "gz", "xz", "OLE2", "eml"}


@pytest.fixture(scope="module")
def scanner(tmp_path_factory):
    with Scanner(tmp_path_factory.mktemp("scand"), "--max-time", 300_000) as scanner:
        yield scanner


def case(name):
    return (CASES / name).read_bytes()


NEVER_CLEAN = [
    "zip-with-member-that-the-directory-does-not-name-EICAR.zip",
    "tar-bz2-of-two-streams-EICAR-in-second.tar.bz2",
    "zip-with-bz2-of-two-streams-EICAR.zip",
    "tar-bz2-of-one-stream-control-EICAR.tar.bz2",
]


@pytest.mark.parametrize("name", NEVER_CLEAN)
def test_not_read_whole_is_never_clean(scanner, name):
    kind, what = scanner.scan(case(name))
    assert (kind, what) == ("unscannable", "unsupported") or kind == "infected"
    assert kind == "infected" or "control" not in name


AVAILABLE = [
    "pdf-opens-without-password-raw-binary-strings.pdf",
    "pdf-opens-without-password-short-octal.pdf",
    "pdf-opens-without-password-three-digit-octal-control.pdf",
    "pdf-with-blank-line-before-header.pdf",
    "xls-2003-with-drawing-over-8224-bytes.xls",
    "xls-2003-with-small-drawing-control.xls",
    "xlsx-same-content-plain-control.xlsx",
    "xlsx-streamed-zip64-local-only.xlsx",
    "zip-folder-download-streamed-zip64.zip",
    "zip-same-content-streamed-control.zip",
]


@pytest.mark.parametrize("name", AVAILABLE)
def test_harmless_and_whole_is_clean(scanner, name):
    assert scanner.scan(case(name)) == CLEAN


OPEN_PDF = "pdf-opens-without-password-short-octal.pdf"


def test_pdf_that_opens_without_a_password_in_other_files(scanner, tmp_path):
    """Only the PDF that opens is excused: what is beside it counts as always."""
    several = [(name, case(name)) for name in AVAILABLE if name.startswith("pdf-opens")]
    assert scanner.scan(zipped(*several)) == CLEAN
    assert scanner.scan(zipped(*several, ("e", EICAR)))[0] == "infected"
    locked = encrypted_pdf(tmp_path, "geheim")
    encrypted = ("unscannable", "encrypted")
    assert scanner.scan(zipped(*several, ("b.pdf", locked))) == encrypted
    assert scanner.scan(zipped(*several, ("b", b"x" * 2000 + locked))) == encrypted
    assert scanner.scan(locked + case(OPEN_PDF)) == encrypted
    inner = sevenzip(tmp_path, "a.zip", "-pgeheim")
    assert scanner.scan(zipped(*several, ("a.zip", inner))) == encrypted
    assert scanner.scan(zipped(*several, ("a.rar", RAR5))) == ("unscannable", "rar")


REASONS = {
    "xlsx-built-in-password-VelvetSweatshop.xlsx": "encrypted",
    "xlsx-streamed-zip64-always.xlsx": "unsupported",
}


@pytest.mark.parametrize("name", REASONS)
def test_reason_is_what_is_known(scanner, name):
    assert scanner.scan(case(name)) == ("unscannable", REASONS[name])


@pytest.mark.parametrize("kind", PACKERS)
def test_what_unpackers_bring_out_is_seen(scanner, tmp_path, kind):
    """A virus that any of Debian's unpackers, or Python, gets out of a container is found, or the
    container is kept back."""
    out = 0
    for number, content in enumerate(samples(kind, tmp_path, EICAR)):
        verdict = scanner.scan(content)
        if verdict == CLEAN:
            (tmp_path / "missed").write_bytes(content)
            assert not brought_out(tmp_path, content, EICAR), (number, tmp_path / "missed")
        else:
            out += brought_out(tmp_path, content, EICAR)
    assert out, "no unpacker brought anything out: this shows nothing"


DAMAGED = ["zip", "zip by 7z", "7z", "tar", "gz", "bz2", "xz", "OLE2", "eml"]


@pytest.mark.parametrize("kind", DAMAGED)
def test_damage_hides_nothing(scanner, tmp_path, kind):
    """The same of containers that are damaged, of which each unpacker makes something else."""
    chance = random.Random(kind)
    for number in range(40):
        files = files_around(EICAR, chance)
        content = damaged(PACKERS[kind](tmp_path / "packed", files, chance), chance)
        if scanner.scan(content) == CLEAN:
            (tmp_path / "missed").write_bytes(content)
            assert not brought_out(tmp_path, content, EICAR), (number, tmp_path / "missed")


# In base64 with lines of 77 letters, behind another part, in a mail in a mail whose boundary is
# broken across lines: GMime and libclamav find no part there, Python does.
CODED = base64.b64encode(EICAR)
BROKEN_BOUNDARY = b"""Subject: 1
MIME-Version: 1.0
Content-Type: multipart/alternative;
 boundary="o"

--o
Content-Type: message/rfc822

Subject: 0
MIME-Version: 1.0
Content-Type: multipart/digest;
 boundary="i
Content-Transfer-Encoding: base64
C0"

--i
Content-Transfer-Encoding: quoted-printable
Content-Type: application/octet-stream
Content-Disposition: attachment; filename="f.txt"

Guten Tag
--i
Content-Transfer-Encoding: base64
Content-Type: application/octet-stream

%b
%b
--i--

--o--
""" % (CODED[:77], CODED[77:])

BEHIND = {
    "tar behind three bytes": lambda tmp: b"xyz" + tar(tmp, [("e.com", EICAR)], random.Random(1)),
    "xz behind others, damaged": lambda tmp: noise(40) + lzma.compress(EICAR)[:-9],
    "mail with a broken boundary": lambda tmp: BROKEN_BOUNDARY,
    "zip in a picture": lambda tmp: b"\xff\xd8\xff" + noise(9000) + zipped(("e", EICAR)),
}


@pytest.mark.parametrize("make", BEHIND.values(), ids=BEHIND.keys())
def test_behind_other_bytes(scanner, tmp_path, make):
    content = make(tmp_path)
    assert brought_out(tmp_path, content, EICAR)
    assert scanner.scan(content) != CLEAN


@pytest.mark.parametrize("kind", sorted(WHOLE))
def test_what_is_whole_is_clean(scanner, tmp_path, kind):
    """Containers that libclamav reads whole are not kept back."""
    files = [content for content in samples(kind, tmp_path, b"Guten Tag. " * 9, count=1)]
    assert scanner.scan(files[0]) == CLEAN


BOUNCE = b"""From: postmaster@muster.example
Subject: Unzustellbar
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="r"

--r
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Die Nachricht konnte nicht zugestellt werden.

--r
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.muster.example

--r
Content-Type: text/rfc822-headers

Subject: Belege
MIME-Version: 1.0
Content-Type: text/plain
Content-Transfer-Encoding: 8bit

--r--
"""


def test_bounce_is_clean(scanner):
    """A mail that came back has the headers of another one in it."""
    assert scanner.scan(BOUNCE) == CLEAN
