"""Sentences that promise something stand where it is true: that somebody has been told, that
nothing has been stored. Each text that says so is named here, with what makes it true."""

import re

import pytest
from source import ROOT, listed, write
from test_text import catalogues, po

MAIL = "the column or event of a mail that the mail server took for that person"
NOBODY = "says that nobody is told"
UNTOUCHED = "refused before the handler, or rolled back (test_transactions.py, test_form_token.py)"
REMOVED = "the upload's last state: its bytes are removed with it (test_upload_steps.py)"
CLAIMS = {
    # No page says that the operator knows of a fault: the log does, and nobody may read it.
    "somebody has been told": (
        r"\b(?:benachrichtigt|informiert|verständigt|unterrichtet|gemeldet|Bescheid|weitergeleitet"
        r"|notified|informed|alerted|told|reported|forwarded)\b",
        {
            "step.notified": MAIL,
            "csv.notified": MAIL,
            "csv.notified_by": MAIL,
            "matter.no_mail": NOBODY,
            "matter.no_access": NOBODY,
        },
    ),
    "nothing has been stored": (
        r"\bnichts? (?:\w+ )?(?:gespeichert|geändert|angekommen|überschrieben)\b"
        r"|\b[Nn]othing has (?:been (?:stored|changed|overwritten)|arrived)"
        r"|\b(?:did not arrive|ha(?:s|ve) not arrived"
        r"|(?:is|are|been) not (?:stored|saved|changed))",
        {
            "form.conflict": "the form comes back, and nothing is committed (test_versions.py)",
            "form.stored_empty": "compared with the row (test_versions.py)",
            "err.sent_before": "compared with what was sent before (test_sent_twice.py)",
            "err.signed_out": UNTOUCHED,
            "err.signed_out_files": UNTOUCHED,
            "err.forged": UNTOUCHED,
            "err.infected": REMOVED,
            "infected": REMOVED,
            "infected_staff": REMOVED,
            "help.a4": REMOVED,
            "failed": REMOVED,
            "state.failed": REMOVED,
            "upload.total_none": "the browser's own count of what was taken",
            "err.checksum": "bytes that don't fit their checksum are dropped (test_uploads.py)",
        },
    ),
}


def claims(root, known=None):
    """Finds texts that claim something and aren't named, and names of texts that don't."""
    found = []
    for claim, (pattern, table) in CLAIMS.items():
        named = table if known is None else known
        saying = {
            (language, key)
            for language, texts in catalogues(root).items()
            for key, text in texts.items()
            if re.search(pattern, text)
        }
        found += [
            f"html/po/{language}.po: {key} says that {claim}: what makes it true?"
            for language, key in sorted(saying)
            if key not in named
        ]
        keys = {key for _, key in saying}
        found += [f"CLAIMS: {key} does not say that {claim}" for key in table if key not in keys]
    return found


def test_claims():
    assert not claims(ROOT), listed(claims(ROOT))


@pytest.mark.parametrize("text", [
    "Der Betreiber ist benachrichtigt.", "Wir haben den Betreiber informiert.",
    "Es ist nichts gespeichert worden.",
    "The operator has been notified.", "Your operator was told.", "Nothing has been stored.",
])  # fmt: skip
def test_claims_can_fail(tmp_path, text):
    write(tmp_path, {"html/po/de.po": po(a=text)})
    assert [one for one in claims(tmp_path, {}) if one.startswith("html/po/de.po: a says")]
    write(tmp_path, {"html/po/de.po": po(a="Bitte sagen Sie es Ihrer Kanzlei.")})
    assert not [one for one in claims(tmp_path, {}) if one.startswith("html/po")]
