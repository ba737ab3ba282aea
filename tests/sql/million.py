"""Fills a database with a million documents, which load/ generates, as fast as possible."""

from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

FILES = sorted(Path(__file__).with_name("load").glob("*.sql"))
BIG = ["document", "delivery", "event", "object_copy"]
HASTE = (
    "SET session_replication_role = replica; SET work_mem = '256MB';"
    " SET maintenance_work_mem = '512MB'; SET synchronous_commit = off;"
)


def secondary_indexes(db):
    """Returns name and definition of each index of the big tables that no constraint needs; GIN
    first."""
    return db.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)"
        "  FROM pg_index i WHERE i.indrelid::regclass::text = ANY (%s) AND NOT EXISTS"
        "       (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)"
        " ORDER BY pg_get_indexdef(i.indexrelid) LIKE '%%gin%%' DESC, 1",
        (BIG,),
    ).fetchall()


def load(cluster, database):
    """Fills the tables past triggers and policies; runs files of the same number in parallel."""

    def run(statement):
        with cluster.connect(database) as db:
            db.execute(HASTE)
            db.execute(statement)

    with cluster.connect(database) as db:
        indexes = secondary_indexes(db)
        db.execute("".join(f"DROP INDEX {name};" for name, _ in indexes))
    with ThreadPoolExecutor(2) as pool:
        for _, files in groupby(FILES, key=lambda path: path.name[0]):
            list(pool.map(run, [path.read_text(encoding="utf-8") for path in files]))
        list(pool.map(run, [definition for _, definition in indexes]))
    run("DROP TABLE drawn, numbers, people")
    run("VACUUM ANALYZE")
