"""HTTP/1.1 over TLS, byte by byte, for requests that no well-behaved client sends."""

import socket
import ssl
from urllib.parse import urlsplit


class Raw:
    """One connection, with the cookies, form token and language of BROWSER if that is given."""

    def __init__(self, portal, browser=None):
        place = urlsplit(portal.url)
        context = ssl.create_default_context(cafile=portal.authority)
        line = socket.create_connection((place.hostname, place.port), timeout=30)
        self.line = context.wrap_socket(line, server_hostname=place.hostname)
        self.host, self.url, self.browser = place.netloc, portal.url, browser

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.line.close()

    def fields(self):
        """Returns the header fields that the portal's own page would send with a form."""
        lines = [f"Host: {self.host}", "Accept: application/json"]
        if self.browser:
            jar = self.browser.http.cookies.jar
            lines.append("Cookie: " + "; ".join(f"{one.name}={one.value}" for one in jar))
            lines += [f"X-CSRF-Token: {self.browser.csrf}", f"Origin: {self.url}"]
        return lines

    def head(self, first, *more):
        """Sends the first line and the header fields, MORE after the usual ones."""
        lines = [first, *self.fields(), *more, "", ""]
        self.line.sendall("\r\n".join(lines).encode("latin-1"))

    def send(self, data):
        self.line.sendall(data)

    def rest(self):
        """Returns all bytes that come until the portal ends the connection."""
        found = b""
        while True:
            try:
                piece = self.line.recv(65536)
            except ConnectionError:
                return found
            if not piece:
                return found
            found += piece

    def cut(self):
        """Ends the sending side of the connection; returns all bytes that still come."""
        self.line.shutdown(socket.SHUT_WR)
        return self.rest()

    def status(self):
        """Reads the head of the next answer; returns its status."""
        found = b""
        while b"\r\n\r\n" not in found:
            piece = self.line.recv(65536)
            assert piece, found
            found += piece
        return int(found.split()[1])


def statuses(answers):
    """Returns the status of each answer in these bytes."""
    return [int(one.split()[0]) for one in answers.split(b"HTTP/1.1 ")[1:]]
