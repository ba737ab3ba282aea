"""The people of load/ who call the statements, and their arguments."""

import uuid
from dataclasses import dataclass
from datetime import date, timedelta

from real import token


def nth(kind, n):
    """Returns the id of the N-th thing of a kind, as in load/1_people.sql."""
    return str(uuid.UUID(f"0190{n:08x}7{kind:03x}8000{n:012x}"))


@dataclass
class Who:
    """A caller at FIRM, with a session (its token is the hash of this name) or none; CLIENT is one
    of the clients that they may see, VISIBLE the number of these (0: all clients)."""

    firm: int
    session: str | None
    client: int
    visible: int
    account: str
    side: str = "staff"

    @property
    def lead(self):
        return 0 if self.firm == 1 else self.firm * 100

    def enter(self):
        """Returns the statements that begin a transaction of this caller."""
        enter = "SELECT * FROM kz_enter(%s, %s, %s, '')"
        if self.side in ("staff", "client"):
            return [(enter, (f"firma-{self.firm}", token(self.session), "member"))]
        return {
            "portal": [("SELECT * FROM kz_enter_portal(%s)", (self.firm,))],
            "public": [(enter, (f"firma-{self.firm}", b"", "public"))],
        }.get(self.side, [])


def staff(firm, n, client, visible=0):
    return Who(firm, f"staff-{n}", client, visible, nth(4, n))


def client(n, client, visible):
    return Who(1, f"client-{n}-0", client, visible, nth(3, n), "client")


PEOPLE = {
    "admin": staff(1, 0, client=0),  # this client has 6,000 documents
    "many": staff(1, 2, client=1, visible=5000),
    "few": staff(1, 3, client=3001, visible=12),
    "helper": staff(1, 4, client=0, visible=22),  # of 20 of these they see one matter only
    "small": staff(7, 700, client=12000),
    "client": client(3001, client=3001, visible=1),
    "adviser": client(40, client=7041, visible=40),
    "portal": Who(1, None, 0, 0, nth(3, 0), "portal"),
    "public": Who(1, None, 3001, 0, nth(3, 3001), "public"),
    "nobody": Who(1, None, 3001, 0, nth(3, 3001), "nobody"),
    "owner": Who(1, None, 3001, 0, nth(3, 3001), "owner"),
}


LISTS = {
    "@client_and_matter": ("@client", "@matter"),
    "@account_and_staff": ("@account", "@staff"),
    "@upload_and_session": ("@upload", "@session"),
    "@document_list": ("@document",),
    "@provided_list": ("@provided",),
}


def documents(who, db):
    """Returns one document of each kind, of WHO's client."""

    def one(condition, of="AND client = %(client)s"):
        row = db.execute(
            f"SELECT id::text, at::text, object FROM document WHERE firm = %(firm)s {of}"
            f"   AND {condition} ORDER BY at DESC LIMIT 1",
            {"firm": who.firm, "client": nth(1, who.client)},
        ).fetchone()
        assert row, f"no document: {condition}"
        return row

    middle = one("at < now() - interval '1 year'")
    return {
        "@document": one("true")[0],
        "@sent": one("direction = 'from_client'")[0],
        "@provided": one("direction = 'from_firm'")[0],
        "@held": one("state = 'unscannable'", of="")[0],
        "@at": middle[1],
        "@id": middle[0],
        "@object": middle[2],
        "@objects": "{" + middle[2] + ",1/2026/gibt-es-nicht}",
    }


def things(who, db):
    """Returns {name in arguments.py: its value for WHO}."""
    found = documents(who, db)
    ids = {"@client": (1, who.client), "@matter": (2, 2 * who.client), "@account": (3, who.client),
           "@staff": (4, who.lead + 5), "@upload": (13, who.client), "@locked": (3, 401),
           "@code_id": (12, who.client), "@job": (14, 20),
           "@other_account": (3, who.client + 1), "@staff_to_be": (4, 5000),
           "@bare": (7, 999991), "@taken": (13, 3001),
           "@session": (10, 2 * who.client)}  # fmt: skip
    found |= {name: nth(*key) for name, key in ids.items()}
    for name in ("nobody", "many", "few", "client"):
        session = PEOPLE[name].session or PEOPLE["admin"].session
        found[f"@token_{name}" if name != "nobody" else "@token"] = token(session)
    for name, many in LISTS.items():
        found[name] = "{" + ",".join(found[one] for one in many) + "}"
    day = date.today() - timedelta(days=600)
    return found | {
        "@me": who.account,
        "@event": nth(8, 1981000),
        "@unsealed": f"{{{nth(8, 1999980)},{nth(8, 1999982)}}}",
        "@hashes": '{"\\\\x' + "00" * 32 + '","\\\\x' + "11" * 32 + '"}',
        "@code": token(f"code-{who.client}"),
        "@incoming": "from_firm" if who.side == "client" else "from_client",
        "@from": day.isoformat(),
        "@to": (day + timedelta(days=7)).isoformat(),
        "@rechnung_of_a_month": f"%rechnung {day:%Y-%m}%",
    }
