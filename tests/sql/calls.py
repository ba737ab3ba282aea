"""The calls that arguments.py lists, one by one."""

import uuid

from arguments import CALLS


def calls(name):
    """Each (who, arguments, mode) of a statement."""
    entries = CALLS[name] if isinstance(CALLS[name], list) else [CALLS[name]]
    for people, lists, *custom in entries:
        for who in people:
            for arguments in lists:
                for mode in ("custom",) if custom else ("custom", "generic"):
                    yield who, arguments, mode


def filled(arguments, known):
    """Arguments with what their names mean; "@new" is another one each time."""

    def value(one):
        if one == "@new":
            return str(uuid.uuid4())
        return known[one] if isinstance(one, str) and one.startswith("@") else one

    return [value(one) for one in arguments]
