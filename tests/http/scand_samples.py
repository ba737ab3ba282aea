"""Documents that a scanner must judge correctly, made when a test needs them."""

import io
import random
import struct
import subprocess
import tarfile
import zipfile
from pathlib import Path

# The EICAR test file, put together here so that this file is not taken for it.
EICAR = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$EI" + "CAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()
TESTFILES = Path("/usr/share/clamav-testfiles")
RAR4 = b"Rar!\x1a\x07\x00" + bytes(range(200))
RAR5 = b"Rar!\x1a\x07\x01\x00" + bytes(range(200))


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def zipped(*members, method=zipfile.ZIP_DEFLATED):
    """Returns a ZIP of (name, content)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def nested(depth, content=EICAR, name="eicar.txt"):
    for level in range(depth):
        content = zipped((name, content))
        name = f"level{level}.zip"
    return content


def tarred(content):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("eicar.txt")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def forwarded(content):
    """Returns a mail that was forwarded as an attachment; its own attachment is CONTENT."""
    head = b'Subject: s\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="%b"\n\n'
    text = b"--%b\nContent-Type: text/plain\n\nSiehe unten.\n\n"
    inner = head % b"i" + text % b"i" + b"--i\nContent-Type: text/plain\n\n"
    inner += content + b"\n--i--\n"
    parts = text % b"o" + b"--o\nContent-Type: message/rfc822\n\n" + inner + b"\n--o--\n"
    return b"From: maria@muster.example\n" + head % b"o" + parts


def sevenzip(folder, name, *options, content=EICAR):
    """Returns an archive made by 7z; NAME's ending is its format."""
    (folder / "eicar.txt").write_bytes(content)
    command = ["7z", "a", "-bd", *options, name, "eicar.txt"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return (folder / name).read_bytes()


def pdf():
    """Returns a PDF of one empty page, with a cross-reference table."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>",
    ]
    out = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 4\n0000000000 65535 f \n"
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start


def encrypted_pdf(folder, user, owner="chef"):
    (folder / "plain.pdf").write_bytes(pdf())
    command = ["qpdf", "--encrypt", user, owner, "256", "--", "plain.pdf", "cipher.pdf"]
    subprocess.run(command, cwd=folder, check=True)
    return (folder / "cipher.pdf").read_bytes()


FREE, END, FATSECT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def cfb(streams):
    """Returns a compound file ([MS-CFB], version 3) of {name: content}. Contents under 4096 bytes
    go to the mini stream. One sector of FAT and one of mini FAT: small documents only."""
    fat, sectors, entries = [FATSECT], [b""], []
    mini, minifat = b"", []

    def chain(content):
        if not content:
            return END
        first, count = len(fat), -(-len(content) // 512)
        fat.extend([*range(first + 1, first + count), END])
        padded = content.ljust(count * 512, b"\0")
        sectors.extend(padded[i : i + 512] for i in range(0, len(padded), 512))
        return first

    for name, content in streams.items():
        if len(content) >= 4096:
            start = chain(content)
        else:
            start, count = len(minifat), -(-len(content) // 64)
            minifat.extend([*range(start + 1, start + count), END])
            mini += content.ljust(count * 64, b"\0")
        entries.append((name, 2, start, len(content)))
    entries.insert(0, ("Root Entry", 5, chain(mini), len(mini)))
    minifat_start = chain(struct.pack(f"<{len(minifat)}I", *minifat).ljust(512, b"\xff"))
    directory = b""
    for number, (name, kind, start, size) in enumerate(entries):
        raw = name.encode("utf-16-le") + b"\0\0"
        following = number + 1 if 0 < number < len(entries) - 1 else FREE
        directory += struct.pack(
            "<64sHBBIII36xIQ", raw, len(raw), kind, 1, FREE, following,
            1 if kind == 5 else FREE, start, size,
        )  # fmt: skip
    directory_start = chain(directory)
    sectors[0] = struct.pack(f"<{len(fat)}I", *fat).ljust(512, b"\xff")
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII", bytes.fromhex("d0cf11e0a1b11ae1"), 0x3E, 3, 0xFFFE, 9, 6,
        0, 1, directory_start, 0, 4096, minifat_start, 1, END, 0,
    )  # fmt: skip
    header += struct.pack("<I", 0).ljust(436, b"\xff")
    return header + b"".join(sector.ljust(512, b"\0") for sector in sectors)


def ooxml_encrypted():
    """Returns the envelope of [MS-OFFCRYPTO] 2.3.4.4 that Word, Excel and PowerPoint write since
    2007."""
    info = struct.pack("<HHI", 4, 4, 0x40) + b"<encryption/>"
    return cfb({"EncryptionInfo": info, "EncryptedPackage": noise(5000)})


def doc(encrypted):
    fib = struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0x407, 0, 0x0100 if encrypted else 0)
    return cfb({"WordDocument": fib.ljust(4096, b"\0"), "1Table": b"\0" * 4096})


def xls(encrypted):
    bof = struct.pack("<HHHHHHII", 0x809, 16, 0x600, 5, 0, 0, 0, 0)
    filepass = struct.pack("<HHHHH", 0x2F, 6, 0, 0x1234, 0x5678) if encrypted else b""
    end = struct.pack("<HH", 0x0A, 0)
    return cfb({"Workbook": (bof + filepass + end).ljust(4096, b"\0")})


def ppt(encrypted):
    token = 0xF3D1C4DF if encrypted else 0xE391C05F
    user = struct.pack("<HHIIIIHHBBHI", 0, 0xFF6, 0x18, 0x14, token, 0, 0, 0x3F4, 3, 0, 0, 8)
    return cfb({"Current User": user, "PowerPoint Document": b"\0" * 4096})


def odt(encrypted, encoding="utf-8", comment=""):
    """Returns an OpenDocument text; if encrypted, its members are ciphertext in an ordinary ZIP.
    The manifest begins with COMMENT."""
    space = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    inner = '<manifest:encryption-data manifest:checksum="x"/>' if encrypted else ""
    manifest = (
        f'<?xml version="1.0" encoding="{encoding[:6]}"?><!--{comment}-->'
        f'<manifest:manifest xmlns:manifest="{space}">'
        f'<manifest:file-entry manifest:full-path="content.xml">{inner}'
        "</manifest:file-entry></manifest:manifest>"
    )
    return zipped(
        ("mimetype", "application/vnd.oasis.opendocument.text"),
        ("content.xml", noise(500) if encrypted else "<office:document-content/>"),
        ("META-INF/manifest.xml", manifest.encode(encoding)),
    )


def docx():
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    return zipped(
        ("[Content_Types].xml", f'<?xml version="1.0"?><Types xmlns="{types}"/>'),
        ("word/document.xml", "<w:document/>"),
        ("_rels/.rels", "<Relationships/>"),
    )


def bomb(levels=4, width=16, size=10 << 20):
    """Returns a few KB that unpack to SIZE x WIDTH ** LEVELS bytes."""
    content = zipped(("zero", b"\0" * size))
    for _ in range(levels):
        content = zipped(*((f"{i}.zip", content) for i in range(width)))
    return content
