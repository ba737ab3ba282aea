"""Callers and arguments of each statement. A new statement of sql/query needs a line here.

scene.py replaces an argument "@name" for each caller; all other arguments are literal. Of
a statement with conditions every set of them has to be called with (test_plans.py looks).
"""

from itertools import product

FEW = ("many", "few", "helper")
STAFF = ("admin", "small", *FEW)
CLIENTS = ("client", "adviser")
MEMBERS = STAFF + CLIENTS
HASH = b"\x07" * 32
KEY = b"\x07" * 76
# An upload that is taken, its worker and its lease: load/1_people.sql.
TAKEN = ("@taken", "00000000-0000-4000-8000-000000000000", "2100-01-01")
CLIENT = ["@new", "neu-1", "person", "Frau", "Maria", "Neu", "", "", "", "", "m@neu.example", "de"]
# Client and matter: for lists of all clients, of one client, of one matter, of visible clients.
SENT = ("@sent", "@provided")
CLIENTS_OWN = [["@client", None], ["@client", "@matter"], [None, "@matter"]]
WHOLE = [[None, None], *CLIENTS_OWN]
MINE = [[]]
DAYS = [[None, None], ["@from", None], [None, "@to"], ["@from", "@to"]]
# at, before and id: the list from its start, forward from a place, back from a place.
START, MIDDLE, BACK = [None, None, None], ["@at", None, "@id"], [None, "@at", "@id"]
PLACES = (START, MIDDLE, BACK)
BY_NAME = [[client, back] for client in (None, "@client") for back in (False, True)]


def one_of(count):
    """Returns the sets of COUNT flags in which at most one is true."""
    return [[n == state for n in range(count)] for state in range(-1, count)]


DOCUMENT_STATES = one_of(2)  # available, unscannable
RECEIPT_STATES = one_of(4)  # unopened, opened, received, confirmed


def lists(wholes, states=((),), before=()):
    """Returns each set of conditions at each place of a list."""
    return [
        [*before, *whole, *state, *days, *place, 51]
        for whole, state, days, place in product(wholes, states, DAYS, PLACES)
    ]


def new(wholes):
    """Returns the same for lists of unopened documents, whose first argument is the direction."""
    return lists(wholes, before=["@incoming"])


# Search words: in one name of five, in one of 20,000, in some thousand, in none; two letters and
# one letter that begin a word of one name in 20,000, two that are inside of many names, and a text
# without three letters in a row.
WORDS = ("%rechnung%", "%zypresse%", "@rechnung_of_a_month", "%gibt es nicht%",
         "%zy%", "%q%", "%ec%", "%§%", "%c§d%")  # fmt: skip
FOUND = [
    [like, client, None, state, *days, *place, 51]
    for like in WORDS
    for client in (None, "@client")
    for state in (None, "new", "unscannable")
    for days in ([None, None], ["@from", "@to"])
    for place in (START, BACK)
]

# Name of the statement: callers, and lists of arguments.
CALLS = {
    # account.sql
    "password_change": (("admin", "client"), [["$argon2id$x", "$argon2id$y", "@session", "1 h"]]),
    "account_add": (("admin", "few"), [["@new", "neu", "Neu", "n@neu.example", "de"]]),
    "account_client_add": (("admin", "few"), [["@other_account", "@client"]]),
    "account": (MEMBERS, [["@account"]]),
    "clients_of_account": (MEMBERS, [["@account"]]),
    "account_unlock": (STAFF, [["@account"]]),
    "account_words": ((*MEMBERS, "public"), [["@account"]]),
    "account_email": (MEMBERS, [["@account"]]),
    "codes_void": (("admin", "few"), [["@account"]]),
    "address_locked": (("admin", "few"), [["@account"]]),
    "address_change": (("admin", "few"), [["@account", "neu@x.example"]]),
    # client.sql
    "clients": (("admin", "small"), [[*place, 51] for place in BY_NAME]),
    "clients_mine": (FEW, [[*place, 51] for place in BY_NAME]),
    "clients_found": (
        STAFF,
        [
            [like, *place, 51]
            for like in ("%sommer%", "%maria somme%", "%gibt es nicht%", "%2300%", "%xy%", "%ö%",
                         "%§%")
            for place in ((None, False), ("@client", False), ("@client", True))
        ],
    ),
    "clients_locked": (
        STAFF,
        [[like, *place, 51] for like, place in product((None, "%sommer%"), BY_NAME)],
    ),
    "client": (MEMBERS, [["@client"]]),
    "client_locked": (("admin", "few"), [["@client"]]),
    "client_add": (("admin", "few"), [CLIENT]),
    "client_change": (STAFF, [["@client", *CLIENT[1:]]]),
    "assignments_of_client": (STAFF, [["@client"]]),
    "assignable": (STAFF, [["@client"]]),
    "colleague": (STAFF, [["@staff"]]),
    "accounts_of_client": (STAFF, [["@client"]]),
    "assignment_add": (("admin", "small"), [["@new", "@staff", "@client"]]),
    "assignment_end": (("admin", "small"), [["@staff", "@client"]]),
    # code.sql
    # Not for staff who are assigned to a matter alone: the policy refuses.
    "code_add": (
        ("admin", "many", "few", "small", "portal"),
        [["@new", "@account", "invitation", HASH, "1 day"]],
    ),
    "code_again": (("admin", "few"), [["@account", HASH]]),
    "invitation_owed": (("admin", "few"), [["@account"]]),
    "code_find": (("public",), [["@code"], [HASH]]),
    "code_unlock": (("public",), [["@code"]]),
    # check.sql
    "check_deliveries": (("portal",), [["00000000-0000-0000-0000-000000000000"] * 2 + [200]]),
    "check_steps": (
        ("portal",),
        [["00000000-0000-0000-0000-000000000000"] * 3 + ["", 200]],
    ),
    "check_told": (("portal",), [["00000000-0000-0000-0000-000000000000", 200]]),
    "check_renamed": (("portal",), [["@document"]]),
    "code_mail": (
        ("admin", "many", "few", "small", "portal"),
        [["@new", "@account", purpose, "@new", HASH, "1 day", HASH]
         for purpose in ("invitation", "password")],
    ),
    "code_forgotten": (
        ("public",),
        [["@new", user, "@new", HASH, "1 hour", HASH] for user in ("mandant-3001", "niemand")],
    ),
    "code_reader": (("portal",), [["@code_id", "@account"]]),
    "code_sent": (("portal",), [["@code_id"]]),
    "code_redeem": (("public",), [["@code", "$argon2id$x"]]),
    "firm_key": (("public",), [[]]),
    # ctl.sql
    "ctl_firms": (("nobody",), [[]]),
    "ctl_firm_reserve": (("owner",), [[]]),
    "ctl_firm_add": (("owner",), [[99, "neu", "Neu", "", "de", KEY]]),
    "ctl_account_add": (("portal",), [["@new", "neu", "Neu", "", "de", "$argon2id$x"]]),
    "ctl_staff_add": (("portal",), [["@staff_to_be"]]),
    "ctl_right_add": (("portal",), [["@staff", "all"], ["@staff", "admin"]]),
    "ctl_accounts": (("portal",), [["", 100], ["mandant-3", 100]]),
    "ctl_account": (("portal",), [["kraft-5"]]),
    "ctl_password": (("portal",), [["@account", "$argon2id$x"]]),
    "ctl_codes_void": (("portal",), [["@account"]]),
    "ctl_status": (("nobody",), [["one\ntwo"]]),
    "ctl_trial": (("nobody",), [[]]),
    "ctl_status_jobs": (("nobody",), [[20]]),
    "ctl_objects_unknown": (("nobody",), [["@objects"]]),
    "check_document": (("portal",), [["@document"]]),
    "check_copies_gone": (("portal",), [["one"]]),
    "check_copies_forget": (("portal",), [["two"], ["three"]]),
    "check_documents": (("portal",), [["@document", 500]]),
    # document.sql
    "documents_of_matter": (MEMBERS, [["@matter", *place, 51] for place in PLACES]),
    "document": (MEMBERS, [["@document"]]),
    "document_content": (MEMBERS, [["@document"]]),
    "delivery_step": [
        (MEMBERS, [[d, s, "@me"] for d in SENT for s in ("opened", "delivered", "confirmed")]),
        (("portal",), [["@provided", "received", "@account"]]),
    ],
    "delivery_part": [
        (MEMBERS, [[d, "@me", "delivered", "{[0,1)}"] for d in SENT]),
        (("portal",), [["@provided", "@account", "received", "{[0,1),[2,3)}"]]),
    ],
    "document_decide": (STAFF, [["@held", "available", "gut"]]),
    "receipts_of_document": (MEMBERS, [["@provided"]]),
    "documents": [
        (("admin", "small"), lists(WHOLE, DOCUMENT_STATES)),
        ((*FEW, *CLIENTS), lists(CLIENTS_OWN, DOCUMENT_STATES)),
    ],
    "documents_mine": ((*FEW, *CLIENTS), lists(MINE, DOCUMENT_STATES)),
    "documents_found": (MEMBERS, FOUND),
    "documents_new": [
        (("admin", "small"), new(WHOLE)),
        ((*FEW, *CLIENTS), new(CLIENTS_OWN)),
    ],
    "documents_new_mine": ((*FEW, *CLIENTS), new(MINE)),
    "filter_clients": (("admin", "small"), [[]]),
    "filter_clients_mine": ((*FEW, *CLIENTS), [[]]),
    "filter_client": (MEMBERS, [["@client"]]),
    "filter_matters": (MEMBERS, [["@client"]]),
    # enter.sql
    "enter": (
        ("nobody",),
        [
            ["firma-1", "", "public", "", "{}", "{}"],
            ["firma-1", "@token", "member", "", "{}", "{}"],
            ["firma-1", "@token", "staff", "admin", "{client,matter}", "@client_and_matter"],
            ["firma-1", "@token_many", "staff", "", "{document}", "@document_list"],
            ["firma-1", "@token_few", "staff", "", "{account,staff}", "@account_and_staff"],
            ["firma-1", "@token_client", "client", "", "{upload,session}", "@upload_and_session"],
        ],
    ),
    "enter_portal": (("nobody",), [[1]]),
    # event.sql
    "event_add": (
        (*MEMBERS, "portal"),
        [["@new", "opened", "@me", "@client", "@document", None, "x"]],
    ),
    "events_of_client": (MEMBERS, [["@client"]]),
    "events_of_document": (MEMBERS, [["@document"]]),
    # home.sql
    "home_locked": (STAFF, [[]]),
    "home_unreachable": (STAFF, [[]]),
    "home_kept": (("admin", "small"), [[]]),
    "home_kept_mine": (FEW, [[]]),
    "home_unopened": (("admin", "small"), [[]]),
    "home_unopened_mine": (FEW, [[]]),
    "home_fresh": (("admin", "small"), [[]]),
    "home_fresh_mine": (FEW, [[]]),
    "home_counts": (("admin", "small"), [[]]),
    "home_counts_mine": (FEW, [[]]),
    "home_fresh_client": (CLIENTS, [[]]),
    # job.sql
    "job_take": (("nobody",), [["@new", "mail", "1 minute"], ["@new", "provided", "1 minute"]]),
    "job_done": (("portal",), [["@job", *TAKEN[1:], 0]]),
    "job_again": (("portal",), [
        ["@job", *TAKEN[1:], 0, "1 minute", last, "refused"] for last in (False, True)]),
    "master_keys": (("nobody",), [[]]),
    "master_key_note": (("owner",), [[9, KEY]]),
    "worker_uploads": (("nobody",), [["@new"]]),
    "upload_free": (("nobody",), [[1, *TAKEN]]),
    "job_code_made": (("portal",), [["@account"]]),
    "job_person": (("portal",), [["@account", "@client"]]),
    "job_documents": (("portal",), [["@client", "@account", 500]]),
    "job_notified": (("portal",), [["@provided_list", "@client", "@account"]]),
    "job_more": (("portal",), [["@job"]]),
    "job_untold_end": (("portal",), [["@provided_list", "@client", "@account"]]),
    "job_remove": (("portal",), [["@new", "@object", "1 minute"]]),
    "job_object": (("portal",), [["@object"], ["1/2026/gibt-es-nicht"]]),
    "job_object_gone": (("portal",), [["@object"]]),
    "job_mail_ended": (("portal",), [["@account", failed] for failed in (True, False)]),
    "job_firm": (("portal",), [[]]),
    "copy_take": (("nobody",), [["1 minute", "one\ntwo"]]),
    "tidy": (("nobody",), [[]]),
    # matter.sql
    "matters_of_client": (MEMBERS, [["@client"]]),
    "matters_mine": (CLIENTS, [[*place, 201] for place in PLACES]),
    "matter": (MEMBERS, [["@matter"]]),
    "matter_readers": (MEMBERS, [["@matter"]]),
    "matter_add": (("admin", "small", "many", "few"), [["@new", "@client", "1", "Neu"]]),
    "visible_count": (CLIENTS, [[]]),
    # receipt.sql
    "receipts": [
        (("admin", "small"), lists(WHOLE, RECEIPT_STATES)),
        (FEW, lists(CLIENTS_OWN, RECEIPT_STATES)),
    ],
    "receipts_mine": (FEW, lists(MINE, RECEIPT_STATES)),
    "receipts_count": (
        ("admin", "small"),
        [[*whole, *state, *days] for whole, state, days in product(WHOLE, RECEIPT_STATES, DAYS)],
    ),
    "receipts_count_mine": (
        FEW, [[*state, *days] for state, days in product(RECEIPT_STATES, DAYS)],
    ),
    # seal.sql
    "seal_due": (("nobody",), [[0], [3]]),
    "seal_lock": (("portal",), [[]]),
    "seal_head": (("portal",), [[]]),
    "seal_events": (("portal",), [[1000]]),
    "seal_add": (
        ("portal",),
        [[9999, "2026-01-01", 2, HASH, HASH, HASH, HASH * 2, "@unsealed", "@hashes"]],
    ),
    "seals": (("portal",), [[0, 100], [100, 100]]),
    "sealed_events": (("portal",), [[0, 0, 1000], [1000, 20, 1000]]),
    "events_covered": (("portal",), [["@event", 1000]]),
    "events_waiting": (("portal",), [["@event", 1000]]),
    # session.sql
    "sign_in_find": (("public",), [["mandant-3001", "1 hour"], ["niemand", "1 hour"]]),
    "password_tried": (
        ("public",),
        [["mandant-3001", None, b"\1\2\3\4", "1 hour"], ["niemand", "x", b"\1", "1 hour"]],
    ),
    "sign_in": (
        ("public",),
        [["@account", "$argon2id$x", "1 hour", "@new", HASH, "1 hour", "1 day", "Firefox", old]
         for old in (None, "@token")],
    ),
    "sessions": (MEMBERS, [["@me", "@session"]]),
    "session_end": (MEMBERS, [["@session"]]),
    "sessions_end": (MEMBERS, [["@me", "@session"], ["@me", None]]),
    # staff.sql
    "staff": (
        ("admin", "small"),
        [[staff, back, 201] for staff in (None, "@staff") for back in (False, True)],
    ),
    "staff_member": (("admin", "small"), [["@staff", "@me"]]),
    "firm_settings": (("admin", "small"), [[]]),
    "firm_settings_locked": (("admin", "small"), [[]]),
    "firm_settings_change": (("admin", "small"), [["names"], ["none"]]),
    "staff_rights": (("admin", "small"), [["@staff"]]),
    "clients_of_staff": (("admin", "small"), [["@staff"]]),
    "rights_lock": (("admin",), [[]]),
    # form.sql
    "form_lock": (MEMBERS, [["form"]]),
    "form_sent": (MEMBERS, [["form", "/clients"]]),
    "form_done": (MEMBERS, [["form", "/clients", HASH, "/clients/1"]]),
    "admins_beside": (("admin", "small"), [["@staff"]]),
    "rights_drop": (("admin", "small"), [["@staff", "{admin}"]]),
    "rights_add": (("admin", "small"), [["@staff", "{admin,all}"]]),
    # upload.sql
    "upload_lock": (MEMBERS, [[]]),
    "upload_announced": (MEMBERS, [[4000]]),
    "upload_add": (MEMBERS, [["@new", "@matter", "Scan.pdf", "application/pdf", 1000, KEY]]),
    "upload": (MEMBERS, [["@upload"]]),
    "upload_touch": (MEMBERS, [["@upload"]]),
    "upload_remove": (MEMBERS, [["@upload"]]),
    "upload_complete": (("portal",), [["@upload", 1000, "@new", "1 minute", 2_000_000]]),
    "upload_take": (("portal",), [[*TAKEN, "1 minute", 2_000_000]]),
    "upload_release": (("portal",), [[*TAKEN]]),
    "upload_scanned": (("portal",), [[*TAKEN, 1000, HASH, "", "text/plain"]]),
    "upload_storing_anew": (("portal",), [[*TAKEN, 31000]]),
    "upload_end": (("portal",), [[*TAKEN, "available", ""]]),
    "upload_document": (("portal",), [["@document"]]),
    "document_add": (
        ("portal",),
        [["@new", "@client", "@matter", "from_client", "a.pdf", "text/plain", 1, HASH, KEY, "x",
          "@me", "available", ""]],
    ),
    "delivery_add": (("portal",), [["@bare"]]),
    "object_copy_set": (("portal",), [["@document", "one", "missing"]]),
    "object_copy_bad": (("client", "few", "many"), [["@document", "one", "missing"]]),
    "job_provided": (("portal", *STAFF), [["@provided", "@client"]]),
    "upload_taken": (("nobody",), [["@new", "1 minute", "1 hour"]]),
    "upload_known": (("nobody",), [["@upload"]]),
    "workers": (("nobody",), [[]]),
    "worker_bury": (("nobody",), [["@new"]]),
}  # fmt: skip

# These statements read no more for somebody with 5,000 clients than for somebody with one.
FLAT = {
    "client", "delivery_part", "delivery_step", "document", "document_content",
    "documents_of_matter", "enter", "matter", "receipts_of_document",
}  # fmt: skip

# These statements may read more rows than usual.
ALLOWED = {
    # Reads the 50 clients that the setting may hold, and one more.
    "enter": 200,
    # For the operator: reads the open work of all firms, and no more.
    "ctl_status": 10000,
    "ctl_status_jobs": 10000,
    # A check reads everything page by page; near the end PostgreSQL may sort the rest at once.
    "sealed_events": 40000,
    "events_covered": 10000,
    # PostgreSQL may read all documents of a matter to find a state while they are few.
    "documents": 2000,
    # Reads the first 2,000 (1,000) of the list, then the matches of a word that is rare there.
    "documents_found": 10000,
    "clients_found": 3000,
}
