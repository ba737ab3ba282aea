"""Contents of documents that tests send."""

import secrets


def random_content(size):
    """Returns SIZE bytes that nobody has sent before. They begin as no container does: of contents
    that are random from the first byte on one in some ten thousand is kept back for its first
    two."""
    return b"\xe4\xf6"[:size] + secrets.token_bytes(max(0, size - 2))
