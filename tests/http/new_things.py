"""The touches that add a page, a list, a right, an event, a job and a table, as the READMEs say.

Remarks are rows of a new table: a page lists them to whoever has the right, and a job adds one."""

import re

# Texts to append to a file, which is made if it does not exist.
ADDED = {
    # --- a page -----------------------------------------------------------------------------------
    "mod_kanzlei/routes.def": """
KZ_ROUTE(GET, "/k/{firm}/clients/{client}/glance", STAFF, NONE, COOKIE, NONE, NONE, READS, PAGE, page_glance)
KZ_ROUTE(GET, "/k/{firm}/dav", STAFF, NONE, APP_PASSWORD, NONE, NONE, READS, PAGE, page_dav)
KZ_ROUTE(GET, "/k/{firm}/feed", STAFF, NONE, COOKIE, NONE, NONE, READS, XML, page_feed)
KZ_ROUTE(GET, "/k/{firm}/early", STAFF, NONE, COOKIE, NONE, NONE, READS, PAGE, page_early)
KZ_ROUTE(GET, "/k/{firm}/remarks", STAFF, REMARKS, COOKIE, NONE, NONE, READS, PAGE, page_remarks)
KZ_ROUTE(POST, "/k/{firm}/remarks", STAFF, REMARKS, COOKIE, FIELD, FORM, WRITES, PAGE, page_remark_ask)
""",  # noqa: E501
    "mod_kanzlei/pages/glance.c": """/* A client at a glance. */
#include "http/route.h"

#include "model/proof/event.h"
#include "queries.h"
#include "views.h"

/* GET /clients/{client}/glance */
kz_err_t *page_glance(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "glance");
    kz_q_glance_t *row;

    KZ_TRY(kz_q_glance(&row, kz_grant_db(grant),
                       &(kz_q_glance_args_t){kz_request_id(rq, "client")}, rq->pool));
    kz_row_glance(kz_view_object(view, "glance"), row);
    return NULL;
}

/* What a line of routes.def can say, and nobody answers yet. */
kz_err_t *page_dav(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    return page_glance(rq, grant, out);
}

kz_err_t *page_feed(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    return page_glance(rq, grant, out);
}

/* An event that can't be true when something is only read. */
kz_err_t *page_early(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_event_t event = {.subject = kz_request_id(rq, "firm")};

    kz_reply_page(out, "glance");
    KZ_TRY(kz_grant_settle(grant));
    return kz_event_add(grant, KZ_EVENT_SIGNED_OUT, &event);
}
""",
    "html/page/glance.html": """<h1 class="title">{{t.glance.heading}}</h1>
<p>{{#glance}}{{glance_name}}: {{glance_matters}}{{/glance}}</p>
""",
    "sql/query/client.sql": """
-- A client at a glance.
-- glance(client uuid) :one!
-- -> glance_name text, glance_matters int4
SELECT c.display, (SELECT count(*)::int4 FROM matter m WHERE m.client = c.id)
  FROM client c WHERE c.id = $client;
""",
    # --- a list -----------------------------------------------------------------------------------
    "mod_kanzlei/pages/remarks.c": """/* Remarks: a list, and a job that adds to it. */
#include "http/route.h"

#include "base/str.h"
#include "pages/list.h"
#include "queries.h"
#include "views.h"

/* GET /remarks */
kz_err_t *page_remarks(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "remarks");
    kz_list_asked_t asked;
    kz_q_remarks_t *rows;
    int n;

    KZ_TRY(kz_list_ask(&asked, &kz_list_remarks, rq));
    KZ_TRY(kz_grant_settle(grant));
    KZ_TRY(kz_list_filter(view, &asked, grant));
    if (kz_list_wrong(out, &asked))
        return NULL;
    do {
        kz_q_remarks_args_t args = {
            .like = asked.like, .place = asked.id, .back = asked.back, .count = asked.count};

        KZ_TRY(kz_q_remarks(&rows, &n, kz_grant_db(grant), &args, rq->pool));
    } while (kz_list_again(&asked, n));
    rows = kz_list_page(&n, view, &asked, rows);
    kz_show_remarks(view, "remarks", rows, n);
    return NULL;
}

/* POST /remarks: a job writes one. */
kz_err_t *page_remark_ask(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    char id[KZ_STR_UUID_SIZE];
    kz_q_job_remark_args_t args = {id, "Von einem Auftrag"};

    kz_str_uuid_v7(id);
    KZ_TRY(kz_q_job_remark(NULL, kz_grant_db(grant), &args));
    KZ_TRY(kz_grant_commit(grant));
    kz_reply_see(out, rq->base, "/remarks", "saved");
    return NULL;
}
""",
    "html/page/remarks.html": """<h1 class="title">{{t.remarks.title}}</h1>
{{>part/filter-remarks}}
{{>part/list-remarks}}
{{>part/paging}}
""",
    "sql/query/remark.sql": """-- Remarks by their words, behind PLACE or before it (BACK).
-- remarks(like text, place uuid, back bool, count int4) :many
-- -> id uuid, words text
SELECT x.id, x.words
  FROM (SELECT r.id, r.words FROM remark r
         WHERE true [like: AND lower(r.words) LIKE $like]
               [place: AND (r.words, r.id) [back: <] [!back: >]
                           ((SELECT p.words FROM remark p WHERE p.id = $place), $place)]
         ORDER BY r.words [back: DESC], r.id [back: DESC] LIMIT $count) x
 ORDER BY x.words, x.id;

-- remark_add(id uuid, words text) :exec
INSERT INTO remark (firm, id, words) VALUES (kz_at_firm(), $id, $words);

-- Asks for a remark of these WORDS.
-- job_remark(id uuid, words text) :exec
INSERT INTO job (firm, id, kind, data)
VALUES (kz_at_firm(), $id, 'remark', jsonb_build_object('object', $words::text));
""",
    # --- a right, an event, a job -----------------------------------------------------------------
    "mod_kanzlei/rights.def": """KZ_RIGHT(REMARKS, "remarks") /* reads remarks, and asks for some */
""",
    "mod_kanzlei/events.def": """KZ_EVENT(REMARKED, "remarked", COMMIT)
""",
    "mod_kanzlei/jobs.def": """KZ_JOB(REMARK, "remark", COPIES, OBJECT, 10, 300, kz_remark,
       "a remark was not written: ask for it again")
""",
    "mod_kanzlei/work/remark.c": """/* The job that writes a remark. */
#include "work/job.h"

#include "model/proof/event.h"

kz_err_t *kz_remark(kz_site_t *site, kz_grant_t *grant, const kz_q_job_take_t *job,
                    apr_pool_t *pool)
{
    kz_q_remark_add_args_t args = {job->id, job->object};

    (void)site;
    (void)pool;
    KZ_TRY(kz_q_remark_add(NULL, kz_grant_db(grant), &args));
    KZ_TRY(kz_event_add(grant, KZ_EVENT_REMARKED, &(kz_event_t){.detail = job->object}));
    return kz_grant_commit(grant);
}
""",
    # --- texts ------------------------------------------------------------------------------------
    "html/po/de.po": """
msgid "title.glance"
msgstr "Überblick"

msgid "glance.heading"
msgstr "Auf einen Blick"

msgid "title.remarks"
msgstr "Bemerkungen"

msgid "remarks.title"
msgstr "Bemerkungen"

msgid "remarks.q"
msgstr "Wörter der Bemerkung"

msgid "right.remarks"
msgstr "Bemerkungen"

msgid "right_hint.remarks"
msgstr "Liest Bemerkungen und lässt welche schreiben."

msgid "event.remarked"
msgstr "Bemerkung geschrieben"
""",
    "html/po/en.po": """
msgid "title.glance"
msgstr "At a glance"

msgid "glance.heading"
msgstr "At one glance"

msgid "title.remarks"
msgstr "Remarks"

msgid "remarks.title"
msgstr "Remarks"

msgid "remarks.q"
msgstr "Words of the remark"

msgid "right.remarks"
msgstr "Remarks"

msgid "right_hint.remarks"
msgstr "Reads remarks, and has some written."

msgid "event.remarked"
msgstr "remark written"
""",
}

# Lines to insert into a file: (file, the text that they come before, the lines).
INSERTED = [
    ("mod_kanzlei/lists.def", "#undef KZ_LIST\n", """\
KZ_LIST(remarks, "/remarks", remarks, remarks, 3, NAME, id, id, "/remarks")
KZ_FILTER(remarks, q, WORDS, 200, "", "remarks.q")
KZ_COLUMN(remarks, text, words, "remarks.title")

"""),
    ("sql/policy/access.sql", "\n) x (tab, side, reads, adds, changes, removes);", """,

    ('remark', 'client', '-',    '-',    '-', '-'),
    ('remark', 'staff',  'firm', '-',    '-', '-'),
    ('remark', 'portal', '-',    'firm', '-', '-'),
    ('remark', 'public', '-',    '-',    '-', '-')"""),
    ("sql/policy/access.sql", "\n) x (tab, reads, adds, changes);", """,
    ('remark', 'firm id words', 'firm id words', '')"""),
]

TABLE = """-- Remarks of a firm, and what may be said of them.
CREATE TABLE remark (
    firm   int NOT NULL REFERENCES firm,
    id     uuid NOT NULL,
    words  text NOT NULL CHECK (char_length(words) <= 200),
    PRIMARY KEY (firm, id)
);
CREATE INDEX remark_words ON remark (firm, words, id);
"""
CHECKS = {
    "right": ("name", "rights.def"), "event": ("kind", "events.def"), "job": ("kind", "jobs.def")
}  # fmt: skip

def migration(source):
    """Returns a migration that makes the table, and adds the new words to the CHECK constraints."""
    text = TABLE
    for table, (column, name) in CHECKS.items():
        said = (source / "mod_kanzlei" / name).read_text(encoding="utf-8")
        words = ", ".join(f"'{word}'" for word in re.findall(r'^KZ_\w+\(\w+, "(\w+)"', said, re.M))
        check = f"{table}_{column}_check"
        text += (f'ALTER TABLE "{table}" DROP CONSTRAINT {check},\n'
                 f"    ADD CONSTRAINT {check} CHECK ({column} IN ({words}));\n")
    return text


def edit(path, change):
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    after = change(before)
    assert after != before, path
    path.write_text(after, encoding="utf-8")


def add_all(source):
    """Adds all things to a copy of the sources."""
    for name, text in ADDED.items():
        edit(source / name, lambda before, text=text: before + text)
    for name, mark, text in INSERTED:
        edit(source / name, lambda before, mark=mark, text=text: before.replace(mark, text + mark))
    edit(source / "sql/schema/999_remark.sql", lambda _: migration(source))
