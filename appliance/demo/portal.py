"""A person at the portal: the same addresses, forms and cookies as a browser, over JSON."""

import base64
import http.client
import http.cookies
import json
import socket
import ssl
import time
import urllib.parse


class Refused(Exception):
    """The portal's answer is not the one that the caller expects."""


class Portal:
    """One browser: a kept connection, cookies, and the current CSRF token."""

    def __init__(self, url, connect, authority, firm):
        self.url = url
        self.base = urllib.parse.urlsplit(url).path.rstrip("/") + "/k/" + firm
        self.host = urllib.parse.urlsplit(url).netloc
        self.address = connect
        self.context = ssl.create_default_context(cafile=authority)
        self.cookies = {}
        self.csrf = ""
        self.connection = None

    def _connect(self):
        raw = socket.create_connection(self.address, timeout=60)
        connection = http.client.HTTPSConnection("localhost", context=self.context)
        connection.sock = self.context.wrap_socket(raw, server_hostname="localhost")
        return connection

    def _send(self, method, path, body, headers):
        if self.connection is None:
            self.connection = self._connect()
        self.connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            self.connection.putheader(name, value)
        self.connection.endheaders(body)
        answer = self.connection.getresponse()
        return answer, answer.read()

    def request(self, method, path, body=None, headers=None):
        """Sends one request; returns status, headers and body. Retries once on a closed line."""
        every = {"Host": self.host, "Accept": "application/json", "Accept-Language": "de",
                 "Origin": self.url, "X-CSRF-Token": self.csrf}
        if self.cookies:
            every["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None or method != "GET":
            every["Content-Length"] = str(len(body or b""))
        every.update(headers or {})
        if not path.startswith(self.base + "/"):
            path = self.base + path
        for turn in (1, 2):
            try:
                answer, data = self._send(method, path, body, every)
                break
            except (http.client.HTTPException, OSError):
                self.connection = None
                if turn == 2:
                    raise
        self._keep_cookies(answer)
        return answer, data

    def _keep_cookies(self, answer):
        for line in answer.headers.get_all("Set-Cookie") or []:
            for name, morsel in http.cookies.SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value

    def get(self, path):
        """Returns a page's view."""
        answer, data = self.request("GET", path)
        if answer.status != 200:
            raise Refused(f"GET {path}: {answer.status} {data[:300]!r}")
        view = json.loads(data)
        self.csrf = view.get("csrf") or self.csrf
        return view

    def fetch(self, path):
        """Returns all bytes of a document."""
        answer, data = self.request("GET", path, headers={"Accept": "*/*"})
        if answer.status != 200:
            raise Refused(f"GET {path}: {answer.status}")
        return data

    def post(self, path, **fields):
        """Sends a form; returns the view of a 200, or the last path segment of the redirect's
        target."""
        answer, data = self.request("POST", path, json.dumps(fields).encode(),
                                    {"Content-Type": "application/json"})
        if answer.status in (201, 302, 303):
            return answer.headers["Location"].split("?")[0].rstrip("/").rsplit("/", 1)[-1]
        if answer.status not in (200, 204):
            raise Refused(f"POST {path}: {answer.status} {data[:300]!r}")
        view = json.loads(data) if data else {}
        self.csrf = view.get("csrf") or self.csrf
        return view

    def sign_in(self, user, password):
        """Signs in as a person does: gets the page, then sends the form."""
        self.get("/sign-in")
        self.post("/sign-in", user=user, password=password)
        return self.get("/")

    def upload(self, matter, name, content, media_type):
        """Sends a document by tus 1.0; returns its id, or None if it is infected and refused."""
        meta = ", ".join(
            f"{key} {base64.b64encode(value.encode()).decode()}"
            for key, value in (("filename", name), ("filetype", media_type)))
        answer, data = self.request("POST", f"/matters/{matter}/uploads", None, {
            "Tus-Resumable": "1.0.0", "Upload-Length": str(len(content)), "Upload-Metadata": meta})
        if answer.status != 201:
            raise Refused(f"{name}: {answer.status} {data[:300]!r}")
        path = urllib.parse.urlsplit(answer.headers["Location"]).path
        answer, data = self.request("PATCH", path, content, {
            "Tus-Resumable": "1.0.0", "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream"})
        if answer.status == 422:
            return None
        if answer.status not in (200, 204):
            raise Refused(f"{name}: {answer.status} {data[:300]!r}")
        return path.rstrip("/").rsplit("/", 1)[-1]

    def wait_stored(self, document):
        """Waits until the document is scanned and stored; it is then available or kept back."""
        for _ in range(600):
            state = self.get(f"/uploads/{document}")["state"]
            if isinstance(state, dict):
                state = next(iter(state))
            if state in ("available", "unscannable"):
                return
            if state not in ("receiving", "scanning", "storing"):
                raise Refused(f"{document} is {state}")
            time.sleep(0.05)
        raise Refused(f"{document} is still not stored")
