"""Lists whose statements are written for speed return the same rows as plain statements, at a
million documents."""

import pytest
import real
import scene
from calls import calls, filled

QUERIES = real.queries()
DOCUMENTS = (
    "documents",
    "documents_mine",
    "documents_found",
    "documents_new",
    "documents_new_mine",
)
RECEIPTS = ("receipts", "receipts_mine")
VISIBLE = {
    "staff": "SELECT client FROM assignment"
    " WHERE firm = %(firm)s AND staff = %(me)s AND client IS NOT NULL"
    ' UNION SELECT g.client FROM assignment a JOIN group_client g USING (firm, "group")'
    " WHERE a.firm = %(firm)s AND a.staff = %(me)s",
    "client": "SELECT client FROM account_client WHERE firm = %(firm)s AND account = %(me)s"
    " AND (ends_at IS NULL OR ends_at > now())",
}
MATTERS = (
    "SELECT matter FROM assignment WHERE firm = %(firm)s AND staff = %(me)s AND matter IS NOT NULL"
)
INCOMING = " AND v.opened_at IS NULL AND d.state = 'available' AND v.direction = %(direction)s"
STATES = {
    "unopened": " AND v.opened_at IS NULL",
    "opened": " AND v.opened_at IS NOT NULL",
    "received": " AND v.received_at IS NOT NULL",
    "confirmed": " AND v.confirmed_at IS NOT NULL",
}


def plain(name, who, given):
    """Returns the ids of a list by one plain statement, run as the database's superuser."""
    text = (
        "SELECT d.id::text FROM document d LEFT JOIN delivery v"
        " ON v.firm = d.firm AND v.document = d.id AND v.client = d.client WHERE d.firm = %(firm)s"
        " AND d.id <> '00000000-0000-0000-0000-000000000000'"  # each is; it makes this quick
    )
    if who.visible:
        text += f" AND (d.client IN ({VISIBLE[who.side]}) OR d.matter IN ({MATTERS}))"
    if who.side == "client":
        text += " AND (d.state = 'available' OR d.direction = 'from_client')"
    if name in RECEIPTS:
        text += " AND v.direction = 'from_firm'"
        text += "".join(condition for state, condition in STATES.items() if given.get(state))
    elif "direction" in given or given.get("state") == "new":
        text += INCOMING
    else:
        text += " AND d.state = 'available'" if given.get("available") else ""
        text += " AND d.state = 'unscannable'" if given.get("unscannable") else ""
        text += " AND d.state = %(state)s" if given.get("state") else ""
    for column in ("client", "matter"):
        text += f" AND d.{column} = %({column})s" if given.get(column) else ""
    like = given.get("like")
    if like and len(like) < 5:  # one or two letters find words that begin with them
        text += r" AND lower(d.name) ~ ('(^|[ _-])' || btrim(%(like)s, '%%'))"
    elif like:
        text += " AND lower(d.name) LIKE %(like)s"
    text += " AND d.at >= %(from)s" if given.get("from") else ""
    text += " AND d.at < %(to)s" if given.get("to") else ""
    text += " AND (d.at, d.id) < (%(at)s, %(id)s)" if given.get("at") else ""
    if not given.get("before"):
        return text + " ORDER BY d.at DESC, d.id DESC LIMIT %(count)s"
    text = text.replace("SELECT d.id::text", "SELECT d.at, d.id", 1)
    text += " AND (d.at, d.id) > (%(before)s, %(id)s) ORDER BY d.at, d.id LIMIT %(count)s"
    return f"SELECT id::text FROM ({text}) x ORDER BY at DESC, id DESC"


def named(name, arguments, person, known):
    given = {arg: value for (arg, _), value in zip(QUERIES[name].args, arguments, strict=True)}
    return {"direction": known["@incoming"], "firm": person.firm, "me": person.account} | given


@pytest.mark.parametrize("name", DOCUMENTS + RECEIPTS)
def test_list(name, full, lines, things):
    compared = rows = 0
    with full.cluster.connect(full.database) as db:
        for who, arguments in calls(name):
            person, values = scene.PEOPLE[who], filled(arguments, things[who])
            given = named(name, values, person, things[who])
            if name == "documents_found" and given["from"]:
                continue
            shown = lines["kanzlei_portal"].rows(QUERIES[name], values, person.enter())
            asked = {arg for arg, _ in QUERIES[name].args}
            statement = plain(name, person, {k: v for k, v in given.items() if k in asked})
            wanted = db.execute(statement, given).fetchall()
            assert [str(row[0]) for row in shown] == [row[0] for row in wanted], (who, arguments)
            compared, rows = compared + 1, rows + len(wanted)
    assert rows > compared, "nearly all lists were empty"
