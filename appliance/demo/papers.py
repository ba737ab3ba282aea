"""Real small files for the demonstration: PDFs, pictures, an archive, by Python alone."""

import secrets
import struct
import unicodedata
import zlib


def _byte(letter):
    """Returns a letter in cp1252, without its accents if cp1252 has no such letter."""
    plain = unicodedata.normalize("NFD", letter)[0]
    return letter.encode("cp1252", "ignore") or plain.encode("cp1252", "replace")


def _pdf_text(text):
    """Returns a string as PDF 1.4 writes it (ISO 32000-1, 7.3.4.2), in WinAnsiEncoding."""
    raw = b"".join(_byte(letter) for letter in text)
    return b"(" + raw.replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)") + b")"


def _page(head, title, lines, rows):
    """The drawing commands of one A4 page: letterhead, title, paragraphs, a table."""
    out = [b"0.13 0.27 0.42 rg 0 812 595 30 re f 1 1 1 rg"]

    def put(font, size, x, y, text):
        out.append(b"BT /%s %d Tf %d %d Td %s Tj ET" % (font, size, x, y, _pdf_text(text)))

    put(b"F2", 12, 57, 822, head)
    out.append(b"0 0 0 rg")
    put(b"F2", 18, 57, 740, title)
    y = 700
    for line in lines:
        put(b"F1", 11, 57, y, line)
        y -= 17
    y -= 15
    for name, value in rows:
        put(b"F1", 11, 57, y, name)
        put(b"F1", 11, 430, y, value)
        out.append(b"0.8 0.8 0.8 RG 0.5 w 57 %d m 538 %d l S" % (y - 5, y - 5))
        y -= 21
    put(b"F1", 8, 57, 40, "Ein Dokument der Demonstration. Namen und Beträge sind erfunden.")
    return b"\n".join(out)


def pdf(head, title, lines=(), rows=()):
    """A PDF of one page with fonts that every reader has."""
    content = zlib.compress(_page(head, title, lines, rows), 9)
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (de-DE) >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(content), content),
        font % b"Helvetica",
        font % b"Helvetica-Bold",
        b"<< /Title %s /Producer (Kanzleipost) >>" % _pdf_text(title),
    ]
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 7 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(out)


class Picture:
    """A canvas of RGB pixels that is saved as PNG (W3C, PNG 2nd edition)."""

    def __init__(self, width, height, colour):
        self.width = width
        self.rows = [bytearray(bytes(colour) * width) for _ in range(height)]

    def box(self, x, y, width, height, colour):
        """Fills a rectangle, cut to the canvas."""
        left, right = max(0, x), min(self.width, x + width)
        if right > left:
            line = bytes(colour) * (right - left)
            for row in self.rows[max(0, y) : max(0, y + height)]:
                row[3 * left : 3 * right] = line

    def disc(self, x, y, radius, colour):
        """Fills a circle."""
        for dy in range(-radius, radius + 1):
            half = int((radius * radius - dy * dy) ** 0.5)
            self.box(x - half, y + dy, 2 * half + 1, 1, colour)

    def png(self):
        """Returns the bytes of the PNG file."""

        def chunk(kind, body):
            return struct.pack(">I", len(body)) + kind + body + struct.pack(
                ">I", zlib.crc32(kind + body)
            )

        header = struct.pack(">IIBBBBB", self.width, len(self.rows), 8, 2, 0, 0, 0)
        pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in self.rows), 9)
        return (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", header)
            + chunk(b"IDAT", pixels)
            + chunk(b"IEND", b"")
        )


def house():
    """A picture of a house, for an estate agent's or an owner's file."""
    picture = Picture(640, 420, (0, 0, 0))
    for y in range(420):
        picture.box(0, y, 640, 1, (120 + y // 4, 170 + y // 7, 225))
    picture.disc(545, 80, 38, (255, 226, 120))
    picture.box(0, 330, 640, 90, (104, 148, 86))
    for step in range(110):
        picture.box(320 - 2 * step, 60 + step, 4 * step, 1, (150, 72, 58))
    picture.box(130, 170, 380, 180, (238, 228, 208))
    for x in (165, 260, 405):
        picture.box(x, 205, 62, 62, (92, 84, 78))
        picture.box(x + 5, 210, 24, 52, (186, 214, 232))
        picture.box(x + 33, 210, 24, 52, (186, 214, 232))
    picture.box(335, 250, 52, 100, (110, 66, 44))
    picture.disc(377, 302, 4, (230, 200, 120))
    return picture.png()


def receipt(seed):
    """A photographed receipt: paper on a table, lines of print."""
    picture = Picture(480, 640, (134, 98, 66))
    for y in range(0, 640, 9):
        picture.box(0, y, 480, 2, (124, 88, 58))
    picture.box(104, 44, 284, 564, (96, 70, 48))
    picture.box(94, 34, 284, 564, (250, 248, 242))
    picture.box(166, 60, 140, 18, (40, 40, 44))
    picture.box(190, 88, 92, 8, (120, 120, 124))
    y = 130
    while y < 470:
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        picture.box(116, y, 60 + seed // 65536 % 100, 9, (70, 70, 74))
        picture.box(318, y, 36, 9, (70, 70, 74))
        y += 26
    picture.box(116, 484, 238, 3, (40, 40, 44))
    picture.box(116, 502, 90, 16, (30, 30, 34))
    picture.box(284, 502, 70, 16, (30, 30, 34))
    for x in range(130, 340, 7):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        picture.box(x, 545, 2 + seed // 65536 % 4, 36, (20, 20, 24))
    return picture.png()


def virus():
    """The EICAR test file, put together here so that this file is not taken for it."""
    return ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$EI" + "CAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()


def _locked(content, password):
    """Bytes under the traditional encryption of ZIP (PKWARE APPNOTE 6.3, section 6.1)."""
    one, two, three = 0x12345678, 0x23456789, 0x34567890

    def crc(value, byte):
        return zlib.crc32(bytes([byte]), value ^ 0xFFFFFFFF) ^ 0xFFFFFFFF

    def turn(byte):
        nonlocal one, two, three
        one = crc(one, byte)
        two = ((two + (one & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        three = crc(three, two >> 24)

    for byte in password:
        turn(byte)
    out = bytearray()
    for byte in secrets.token_bytes(11) + bytes([zlib.crc32(content) >> 24]) + content:
        key = three & 0xFFFF | 2
        out.append(byte ^ (key * (key ^ 1) >> 8 & 0xFF))
        turn(byte)
    return bytes(out)


def locked_zip(name, content, password):
    """A ZIP of one member that opens with a password only: the scanner can't look into it."""
    body, label = _locked(content, password), name.encode()
    common = struct.pack("<HHHHHIIIHH", 20, 1, 0, 0, 0x21, zlib.crc32(content), len(body),
                         len(content), len(label), 0)  # fmt: skip
    member = b"PK\3\4" + common + label + body
    more = struct.pack("<HHHII", 0, 0, 0, 0, 0)
    index = b"PK\1\2" + struct.pack("<H", 20) + common + more + label
    end = struct.pack("<HHHHIIH", 0, 0, 1, 1, len(index), len(member), 0)
    return member + index + b"PK\5\6" + end
