"""A mail server on the loopback for the tests of a portal."""

import contextlib

from aiosmtpd.controller import Controller
from running import free_port


@contextlib.contextmanager
def mail_server(handler):
    """Runs a mail server whose commands HANDLER, one of aiosmtpd's, answers; gives the handler,
    whose .port is the server's."""
    handler.port = free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port)
    controller.start()
    yield handler
    controller.stop()
