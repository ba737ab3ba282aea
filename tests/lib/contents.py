"""Contents of documents that tests send."""

import secrets

OCTAL = bytes.maketrans(b"01234567", b"\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7")


def random_content(size):
    """Returns SIZE bytes that nobody has sent before, and that no scanner takes for a container: of
    contents that are random from the first byte on one in some ten thousand is kept back for its
    first two, and in some gigabytes a block is a tar's header by its octal sum."""
    return b"\xe4\xf6"[:size] + secrets.token_bytes(max(0, size - 2)).translate(OCTAL)
