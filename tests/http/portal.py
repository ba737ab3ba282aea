"""A browser at the portal, over HTTP/2 with verified TLS; and uploads by tus 1.0."""

import base64
import ssl

import httpx

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = "application/offset+octet-stream"


def coded(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


class Browser:
    """Cookies, the form token that belongs to them, and the entrance of one firm."""

    def __init__(self, url, authority, firm):
        context = ssl.create_default_context(cafile=authority)
        self.url, self.base, self.csrf = url, f"/k/{firm}", ""
        self.http = httpx.Client(
            base_url=url, verify=context, http2=True, timeout=60, trust_env=False
        )

    def close(self):
        self.http.close()

    def request(self, method, path, *, json_view=True, token=True, headers=None, **more):
        """Sends any request; a path without "/k/" is below the firm's entrance."""
        send = {"Accept": "application/json" if json_view else "text/html"}
        if token and method not in ("GET", "HEAD", "OPTIONS"):
            send |= {"X-CSRF-Token": self.csrf, "Origin": self.url}
        if not path.startswith(("/k/", "https:", "/-/")) and path != "":
            path = self.base + path
        return self.http.request(method, path or "/", headers=send | (headers or {}), **more)

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def get_json(self, path):
        """Returns the view of a page that must exist; keeps its form token."""
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        view = answer.json()
        self.csrf = view.get("csrf") or self.csrf
        return view

    def post_json(self, path, fields=None, **more):
        return self.request("POST", path, json=fields or {}, **more)

    def made(self, path, fields):
        """Sends a form that makes something; returns its id."""
        answer = self.post_json(path, fields)
        assert answer.status_code == 303, (path, answer.status_code, answer.text)
        return answer.headers["Location"].partition("?")[0].rsplit("/", 1)[-1]

    def sign_in(self, user, password):
        """Signs in by the form; returns the answer. The form token changes with the cookie."""
        self.get_json("/sign-in")
        answer = self.post_json("/sign-in", {"user": user, "password": password})
        if answer.status_code == 303:
            self.get_json("/")
        return answer

    def create(self, matter, size, name="brief.txt", headers=None):
        """Announces an upload; NAME is text or bytes."""
        send = TUS | {"Upload-Length": str(size), "Upload-Metadata": f"filename {coded(name)}"}
        return self.request("POST", f"/matters/{matter}/uploads", headers=send | (headers or {}))

    def created(self, matter, size, name="brief.txt"):
        answer = self.create(matter, size, name)
        assert answer.status_code == 201, (answer.status_code, answer.text)
        return answer.headers["Location"].rsplit("/", 1)[-1]

    def patch(self, upload, offset, content, headers=None):
        send = TUS | {"Upload-Offset": str(offset), "Content-Type": BYTES}
        return self.request(
            "PATCH", f"/uploads/{upload}", headers=send | (headers or {}), content=content
        )

    def offset(self, upload):
        answer = self.request("HEAD", f"/uploads/{upload}", headers=TUS)
        assert answer.status_code == 200, answer.status_code
        return int(answer.headers["Upload-Offset"])

    def state(self, upload):
        return self.get_json(f"/uploads/{upload}")["state"]

    def upload(self, matter, content, name="brief.txt"):
        """Uploads CONTENT in one piece; returns the id."""
        upload = self.created(matter, len(content), name)
        if content:
            answer = self.patch(upload, 0, content)
            assert answer.status_code == 204, (answer.status_code, answer.text)
        return upload

    def send_form(self, matter, *files, token=True, json_view=True):
        """Sends FILES, (name, content), by the plain form."""
        fields = [("csrf", (None, self.csrf))] if token else []
        parts = fields + [("files", file) for file in files]
        return self.request(
            "POST", f"/matters/{matter}/documents", token=False, json_view=json_view, files=parts,
            headers={"Origin": self.url},
        )
