"""Containers of fifteen kinds around given files, and what unpackers bring out of them."""

import base64
import binascii
import bz2
import contextlib
import email
import email.policy
import gzip
import io
import lzma
import quopri
import random
import shutil
import struct
import subprocess
import tarfile
import zipfile
import zlib
from email.message import EmailMessage

from scand_samples import cfb, noise, zipped

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}


def written(folder, files):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files:
        (folder / name).write_bytes(content)
    return [name for name, _ in files]


def packed(ending, *command):
    """Returns a packer that runs COMMAND, of which OUT is the archive and ALL are the files."""

    def pack(folder, files, chance):
        del chance
        names = written(folder, files)
        parts = [names if part == "ALL" else [part] for part in command]
        out = f"out.{ending}"
        call = [out if part == "OUT" else part for each in parts for part in each]
        subprocess.run(call, cwd=folder, timeout=60, **QUIET)
        return (folder / out).read_bytes()

    return pack


def filtered(*command):
    """Returns a packer of one file that runs COMMAND from its standard input to its output."""

    def pack(folder, files, chance):
        del folder, chance
        return subprocess.run(command, input=files[0][1], capture_output=True, check=True).stdout

    return pack


def zip_(folder, files, chance):
    """Stored or packed, streamed or not, with one member that the directory does not name or
    without."""
    del folder
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    out = io.BytesIO()
    target = Unseekable(out) if chance.random() < 0.3 else out
    with zipfile.ZipFile(target, "w", chance.choice(methods)) as archive:
        for name, content in files:
            large = chance.random() < 0.2
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=large) as file:
                file.write(content)
        if chance.random() < 0.3:
            archive.filelist.pop(chance.randrange(len(archive.filelist)))
    return out.getvalue()


class Unseekable:
    """A file that can't go back, so that a ZIP is written as a stream."""

    def __init__(self, file):
        self.write, self.flush = file.write, file.flush


def tar(folder, files, chance):
    del folder
    out = b""
    for number, (name, content) in enumerate(files):
        one = io.BytesIO()
        form = chance.choice((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))
        with tarfile.open(fileobj=one, mode="w", format=form) as archive:
            long = form != tarfile.USTAR_FORMAT and chance.random() < 0.5
            info = tarfile.TarInfo(name * 60 if long else name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        # The last keeps its end; the others may: then they are archives one behind the other.
        whole = number + 1 == len(files) or chance.random() < 0.3
        out += one.getvalue() if whole else one.getvalue()[: -(-archive.offset // 512) * 512 - 1024]
    return out


def streams(pack):
    """Returns a packer of one file, in one stream or several, with bytes behind them or without."""

    def several(folder, files, chance):
        del folder
        content = files[0][1]
        cut = chance.choice((0, 0, 1, len(content) // 2, len(content) - 1))
        tail = chance.choice((b"", b"", bytes(20), b"tail"))
        return (pack(content[:cut]) if cut else b"") + pack(content[cut:]) + tail

    return several


def rar(folder, files, chance):
    """Returns a stored RAR archive of version 4: unrar's technote.txt."""
    del folder, chance

    def block(kind, flags, fields, data=b""):
        head = struct.pack("<BHH", kind, flags, 7 + len(fields)) + fields
        return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head + data

    out = b"Rar!\x1a\x07\x00" + block(0x73, 0, bytes(6))
    for name, content in files:
        fields = struct.pack(
            "<IIBIIBBHI", len(content), len(content), 3, zlib.crc32(content), 0x5A21, 20, 0x30,
            len(name), 0x81A4,
        )  # fmt: skip
        out += block(0x74, 0x8000, fields + name.encode(), content)
    return out + block(0x7B, 0x4000, b"")


def lha(folder, files, chance):
    """Returns a stored LHA archive of level 0."""
    del folder, chance
    out = b""
    for name, content in files:
        crc = 0
        for byte in content:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        head = b"-lh0-" + struct.pack("<IIIBBB", len(content), len(content), 0, 32, 0, len(name))
        head += name.encode() + struct.pack("<H", crc)
        out += bytes([len(head), sum(head) & 255]) + head + content
    return out + b"\0"


def ole2(folder, files, chance):
    del folder
    streams_of = dict(files)
    if chance.random() < 0.5:
        streams_of["Package"] = zipped(*files)
    return cfb(streams_of)


def made_part(name, content, chance):
    """Returns a part of a mail as other programs than Python write it."""
    coding = chance.choice(("base64", "BASE64", "quoted-printable", "x-uuencode", "8bit"))
    if coding.lower() == "base64":
        body = base64.b64encode(content)
        width = chance.choice((1, 60, 76, 77, 900))
        body = b"\n".join(body[i : i + width] for i in range(0, len(body), width))
    elif coding == "quoted-printable":
        body = quopri.encodestring(content)
    elif coding == "x-uuencode":
        lines = (binascii.b2a_uu(content[i : i + 45]) for i in range(0, len(content), 45))
        body = b"begin 644 " + name.encode() + b"\n" + b"".join(lines) + b" \nend\n"
    else:
        body = content
    kind = chance.choice(("application/octet-stream", "text/plain", "image/png", ""))
    head = f"Content-Transfer-Encoding: {coding}\n"
    head += f"Content-Type: {kind}\n" if kind else ""
    head += chance.choice((f'Content-Disposition: attachment; filename="{name}"\n', ""))
    return head.encode() + b"\n" + body


def made_mail(files, chance, depth):
    """Returns a mail in a mail, DEPTH times, around parts of FILES."""
    parts = [b"Content-Type: text/plain\n\nanbei\n"]
    parts += [made_part(name, content, chance) for name, content in files]
    for level in range(depth + 1):
        mark = chance.choice(("b", "=_x y", "----=_Part")) + str(level)
        kind = chance.choice(("mixed", "related", "digest", "alternative"))
        head = f'Subject: {level}\nMIME-Version: 1.0\n'
        head += f'Content-Type: multipart/{kind};\n boundary="{mark}"\n\n'
        body = b"".join(b"--" + mark.encode() + b"\n" + part + b"\n" for part in parts)
        end = chance.choice((b"--" + mark.encode() + b"--\n", b""))
        whole = head.encode() + chance.choice((b"", b"preamble\n")) + body + end
        parts = [b"Content-Type: message/rfc822\n\n" + whole]
    return whole if chance.random() < 0.5 else whole.replace(b"\n", b"\r\n")


def eml(folder, files, chance):
    del folder
    if chance.random() < 0.5:
        return made_mail(files, chance, chance.randrange(3))
    message = EmailMessage(policy=chance.choice((email.policy.SMTP, email.policy.default)))
    message["From"] = "maria@muster.example"
    message["Subject"] = "Belege für März"
    message.set_content("Guten Tag,\n\nanbei die Belege.\n")
    for name, content in files:
        if chance.random() < 0.3 and content.isascii():
            message.add_attachment(
                content.decode(), filename=name, cte=chance.choice(("7bit", "quoted-printable"))
            )
        else:
            message.add_attachment(
                content, maintype="application", subtype="octet-stream", filename=name
            )
    if chance.random() < 0.3:
        outer = EmailMessage()
        outer["Subject"] = "Weitergeleitet"
        outer.set_content("Siehe unten.\n")
        outer.add_attachment(message)
        message = outer
    return message.as_bytes()


PACKERS = {
    "zip": zip_,
    "zip by 7z": packed("zip", "7z", "a", "-bd", "OUT", "ALL"),
    "7z": packed("7z", "7z", "a", "-bd", "OUT", "ALL"),
    "7z, not solid": packed("7z", "7z", "a", "-bd", "-ms=off", "-m0=LZMA", "OUT", "ALL"),
    "7z, copied": packed("7z", "7z", "a", "-bd", "-m0=Copy", "OUT", "ALL"),
    "tar": tar,
    "gz": streams(gzip.compress),
    "bz2": streams(bz2.compress),
    "xz": streams(lzma.compress),
    "lzma": streams(lambda content: lzma.compress(content, lzma.FORMAT_ALONE)),
    "zst": filtered("zstd", "-c"),
    "lz4": filtered("lz4", "-c"),
    "cpio": packed("cpio", "bsdtar", "--format=newc", "-cf", "OUT", "ALL"),
    "cpio, odc": packed("cpio", "bsdtar", "--format=odc", "-cf", "OUT", "ALL"),
    "cpio, old": packed("cpio", "sh", "-c", "ls [a-z]* | cpio --quiet -o -H bin > out.cpio"),
    "cab": packed("cab", "gcab", "-c", "OUT", "ALL"),
    "cab, packed": packed("cab", "gcab", "-cz", "OUT", "ALL"),
    "iso": packed("iso", "bsdtar", "--format=iso9660", "-cf", "OUT", "ALL"),
    "ar": packed("ar", "bsdtar", "--format=ar", "-cf", "OUT", "ALL"),
    "rar": rar,
    "arj": packed("arj", "arj", "a", "-i", "OUT", "ALL"),
    "lha": lha,
    "OLE2": ole2,
    "eml": eml,
}

# What each of Debian's unpackers does with FILE; those that write to standard output unpack one.
INTO = {
    "7z": ["7z", "x", "-y", "-bd", "-pno", "-oOUT", "FILE"],
    "7z, any": ["7z", "x", "-y", "-bd", "-pno", "-t#", "-oOUT", "FILE"],
    "bsdtar": ["bsdtar", "-C", "OUT", "-xf", "FILE"],
    "tar": ["tar", "-C", "OUT", "-xf", "FILE"],
    "tar -i": ["tar", "-i", "-C", "OUT", "-xf", "FILE"],
    "unzip": ["unzip", "-o", "-P", "no", "-d", "OUT", "FILE"],
    "cabextract": ["cabextract", "-q", "-d", "OUT", "FILE"],
    "lhasa": ["lhasa", "-xfw=OUT", "FILE"],
    "arj": ["arj", "x", "-y", "FILE", "OUT/"],
    "cpio": ["sh", "-c", "cd OUT && cpio --quiet -iu < FILE"],
    "gzip": ["gzip", "-dc"],
    "bzip2": ["bzip2", "-dc"],
    "xz": ["xz", "-dc"],
    "lzma": ["xz", "--format=lzma", "-dc"],
    "zstd": ["zstd", "-dc"],
    "lz4": ["lz4", "-dc"],
}


def by_debian(folder, content):
    """Yields the bytes of each file that one of Debian's unpackers makes of CONTENT."""
    source = folder / "source"
    source.write_bytes(content)
    for command in INTO.values():
        out = folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        call = [part.replace("OUT", str(out)).replace("FILE", str(source)) for part in command]
        done = subprocess.run(
            call, input=content, capture_output=True, timeout=60, check=False, cwd=out
        )
        yield done.stdout
        for path in out.rglob("*"):
            if path.is_file():
                path.chmod(0o600)
                yield path.read_bytes()


def parts_of(message):
    for part in message.walk():
        payload = part.get_payload(decode=True)
        if payload is not None:
            yield payload


# What Python's modules raise for a damaged container.
DAMAGED = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, struct.error,
           zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError,
           LookupError)  # fmt: skip


def by_zipfile(content):
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except DAMAGED:
        return
    for info in archive.infolist():
        with contextlib.suppress(*DAMAGED):
            yield archive.read(info)


def by_tarfile(content):
    with contextlib.suppress(*DAMAGED), tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for info in archive:
            if info.isreg():
                yield archive.extractfile(info).read()


def by_python(content):
    """Yields the bytes of each file that Python's modules make of CONTENT."""
    for unpack in (gzip.decompress, bz2.decompress, lzma.decompress):
        with contextlib.suppress(*DAMAGED):
            yield unpack(content)
    yield from by_zipfile(content)
    yield from by_tarfile(content)
    for policy in (email.policy.compat32, email.policy.default):
        with contextlib.suppress(*DAMAGED):
            yield from parts_of(email.message_from_bytes(content, policy=policy))


def brought_out(folder, content, wanted):
    """Returns whether any unpacker makes a file of CONTENT that begins with WANTED."""
    if any(each.startswith(wanted) for each in by_python(content)):
        return True
    return any(each.startswith(wanted) for each in by_debian(folder, content))


def files_around(content, chance):
    """Returns files, one of them CONTENT, the others harmless and of many sizes."""
    files = [("e.com", content)]
    for number in range(chance.randrange(3)):
        size = chance.choice((0, 5, 700, 5000, 70_000))
        made = noise(size, number) if chance.random() < 0.5 else b"Guten Tag %d\n" % number * 30
        files.insert(chance.randrange(len(files) + 1), (f"f{number}.txt", made))
    return files


def samples(kind, folder, content, count=6):
    """Yields containers of KIND with CONTENT in them, each also behind 1 KB of other bytes."""
    chance = random.Random(f"{kind} 1")
    for number in range(count):
        files = files_around(content, chance)
        if number == 0 or not isinstance(PACKERS[kind], type(zip_)):
            files = [("e.com", content)]
        made = PACKERS[kind](folder / "packed", files, chance)
        yield made
        yield noise(1024, number) + made


def damaged(content, chance):
    """Returns CONTENT with one to three small changes of its bytes."""
    made = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 3))):
        at, how = chance.randrange(len(made)), chance.randrange(6)
        if how == 0:
            made[at] ^= 1 << chance.randrange(8)
        elif how == 1:
            made[at] = chance.choice((0, 1, 8, 255))
        elif how == 2:
            del made[at : at + chance.randrange(1, 40)]
        elif how == 3:
            made[at:at] = made[chance.randrange(len(made)) :][: chance.randrange(1, 60)]
        elif how == 4:
            made += made[: chance.randrange(len(made))]
        else:
            made = made[: at + 1]
        made = made or bytearray(b"x")
    return bytes(made)
