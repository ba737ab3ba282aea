"""A portal in an httpd with few threads, as a host has that serves other sites, too."""

import contextlib
import socket
import ssl
import time

import pytest
from running import running_portal

BROWSER = 6  # connections that a browser opens to one host


@pytest.fixture(scope="module")
def small():
    with running_portal() as portal:
        portal.kanzleictl("firm", "create", portal.firm, "--name", "Kanzlei Linde")
        portal.start()
        (portal.data / "conf/local.conf").write_text(
            "StartServers 1\nThreadsPerChild 3\nMaxRequestWorkers 3\nMinSpareThreads 1\n"
            "MaxSpareThreads 3\nKeepAliveTimeout 60\n"
        )
        portal.start()
        yield portal


@pytest.fixture
def lines(small):
    """Makes connections that are ended with the test."""
    context = ssl.create_default_context(cafile=small.authority)
    host, _, port = small.url.partition("://")[2].partition(":")
    with contextlib.ExitStack() as stack:

        def make():
            line = socket.create_connection((host, int(port)), timeout=30)
            return stack.enter_context(context.wrap_socket(line, server_hostname=host))

        yield make


def send(line, small, first, *more):
    head = "\r\n".join((first + " HTTP/1.1", f"Host: {small.url.partition('://')[2]}", *more))
    line.sendall(f"{head}\r\n\r\n".encode())


def test_a_browser_gets_all_its_connections(small, lines):
    for _ in range(BROWSER):
        line = lines()
        send(line, small, "GET /k/linde/sign-in")
        assert line.recv(12) == b"HTTP/1.1 200"


def test_a_form_on_a_slow_line_is_waited_for(small, lines):
    line = lines()
    send(line, small, "POST /k/linde/sign-in", "Content-Length: 6",
         "Content-Type: application/x-www-form-urlencoded")  # fmt: skip
    time.sleep(0.5)
    line.sendall(b"user=a")
    assert line.recv(12) == b"HTTP/1.1 403", "it came, and has no token"
