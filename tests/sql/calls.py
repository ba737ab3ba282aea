"""The calls that arguments.py lists, one by one."""

import uuid
from itertools import product

from arguments import CALLS


def calls(name):
    """Yields each (who, arguments) of a statement."""
    entries = CALLS[name] if isinstance(CALLS[name], list) else [CALLS[name]]
    for people, lists in entries:
        yield from product(people, lists)


def filled(arguments, known):
    """Returns the arguments with "@name" replaced; "@new" is a new id each time."""

    def value(one):
        if one == "@new":
            return str(uuid.uuid4())
        return known[one] if isinstance(one, str) and one.startswith("@") else one

    return [value(one) for one in arguments]
