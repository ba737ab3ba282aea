"""The demonstration firm: its clients, their matters and documents. All of it is made up."""

import datetime

import papers

YEAR = datetime.date.today().year
SLUG = "muster"
FIRM = "Kanzlei Muster & Kollegen"
STAFF = {
    "admin": ("h.muster", "Dr. Helene Muster", "muster@kanzlei.example"),
    "staff": ("j.brandt", "Jonas Brandt", "brandt@kanzlei.example"),
}


def _letter(title, *lines):
    return papers.pdf(FIRM + " · Steuerberater und Rechtsanwälte", title, lines)


def _table(title, rows, head=FIRM):
    return papers.pdf(head, title, (f"Stand {datetime.date.today():%d.%m.%Y}",), rows)


_PLAIN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", " ": "."})


def _plain(name):
    """Returns the name as a mail address has it: without umlauts and blanks."""
    return name.lower().translate(_PLAIN)


def _person(number, salutation, first_name, name, street, postcode, city, user=None, **more):
    mail = f"{user or _plain(name)}@mandant.example"
    return dict(number=number, kind="person", salutation=salutation, first_name=first_name,
                name=name, street=street, postcode=postcode, city=city, country="Deutschland",
                email=mail, language="de", user=user, contact=f"{first_name} {name}", **more)


def _company(number, name, contact, street, postcode, city, user=None, **more):
    mail = f"{user or 'post'}@firma.example"
    return dict(number=number, kind="company", salutation="", first_name="", name=name,
                street=street, postcode=postcode, city=city, country="Deutschland",
                email=mail, language="de", user=user, contact=contact, **more)


TAX = f"Einkommensteuer {YEAR - 1}"
BOOKS = f"Finanzbuchhaltung {YEAR}"
CLOSING = f"Jahresabschluss {YEAR - 1}"

# access: "active" (has a password), "invited" (a code was printed), "locked"; None: no access yet.
CLIENTS = [
    _person("10001", "Frau", "Maria", "Sommer", "Lindenweg 4", "80331", "München", "maria.sommer",
            access="active", matters=[("ESt-1", TAX), ("MR-7", "Mietrecht Lindenweg 4")]),
    _company("20001", "Bäckerei Huber GmbH", "Franz Huber", "Marktplatz 12", "84028", "Landshut",
             "huber", access="active", matters=[("FB-1", BOOKS), ("JA-1", CLOSING)]),
    _person("10002", "Herr", "Yusuf", "Demir", "Hafenstraße 88", "20359", "Hamburg", "y.demir",
            access="active", matters=[("ESt-2", TAX)]),
    _person("10003", "Frau", "Katharina", "Großmann", "Am Mühlbach 3", "72070", "Tübingen",
            "k.grossmann", access="locked", matters=[("ESt-3", TAX)]),
    _company("20002", "Elektro Krüger OHG", "Petra Krüger", "Industriestraße 27", "33602",
             "Bielefeld", "krueger", access="active", matters=[("FB-2", BOOKS)]),
    _company("20003", "Architekturbüro Wald & Wiese PartG mbB", "Lena Wald", "Schanzenallee 5",
             "99423", "Weimar", "lena.wald", access="active",
             matters=[("JA-3", CLOSING), ("VR-2", "Vertrag Neubau Kita Sonnenhang")]),
    _person("10004", "Herr", "Heinrich", "Albers", "Deichstraße 19", "26721", "Emden", "h.albers",
            access="invited", matters=[("ErbR-1", "Nachlass Gesine Albers")]),
    _person("10005", "Frau", "Nguyễn Thị", "Lan", "Karl-Liebknecht-Straße 41", "04107", "Leipzig",
            "lan", access="active", matters=[("ESt-5", TAX)]),
    _company("20004", "Gärtnerei Blumenthal e. K.", "Otto Blumenthal", "Rosenweg 1", "99084",
             "Erfurt", None, access=None, matters=[("FB-4", BOOKS)]),
    _person("10006", "Frau", "Sophie", "Lefèvre", "Bergstraße 60", "69120", "Heidelberg",
            "s.lefevre", access="invited", matters=[("ArbR-4", "Kündigungsschutz")]),
    _company("20005", "Segelschule Ostwind UG (haftungsbeschränkt)", "Jan Petersen",
             "Strandpromenade 8", "24159", "Kiel", None, access=None, matters=[("JA-5", CLOSING)]),
    _person("10007", "Herr", "Karl-Heinz", "Überacker", "Schloßgasse 2", "94032", "Passau", None,
            access=None, matters=[("ESt-7", TAX)]),
]

# The accounts whose passwords a start prints at its end.
SHOWN = ["maria.sommer", "huber"]


def from_firm(client, title):
    """Returns the documents that the firm provides in this matter: [(file name, bytes)]."""
    who = client["contact"]
    if title == TAX:
        return [
            (f"Steuererklärung {YEAR - 1} – Entwurf.pdf",
             _table(f"Einkommensteuererklärung {YEAR - 1}: {who}",
                    [("Einkünfte aus nichtselbständiger Arbeit", "48.230,00 €"),
                     ("Werbungskosten", "2.114,50 €"), ("Sonderausgaben", "6.380,00 €"),
                     ("Voraussichtliche Erstattung", "1.207,18 €")])),
            ("Vollmacht.pdf",
             _letter("Vollmacht", f"{who} bevollmächtigt die Kanzlei, in allen Steuersachen",
                     "gegenüber den Finanzbehörden zu handeln.", "", "Ort, Datum, Unterschrift:")),
            ("Rückfragen zur Erklärung.pdf",
             _letter("Rückfragen", "Bitte senden Sie uns noch den Beleg über die Fortbildung",
                     "im März und die Bescheinigung Ihrer Krankenkasse.")),
        ]
    if title == BOOKS:
        return [
            (f"BWA {month} {YEAR}.pdf",
             _table(f"Betriebswirtschaftliche Auswertung {month} {YEAR}",
                    [("Umsatzerlöse", f"{base}.412,70 €"), ("Materialaufwand", "18.904,11 €"),
                     ("Personalkosten", "21.350,00 €"), ("Vorläufiges Ergebnis", "9.118,36 €")]))
            for month, base in (("August", 58), ("September", 61), ("Oktober", 64))
        ]
    if title == CLOSING:
        return [(f"Jahresabschluss {YEAR - 1}.pdf",
                 _table(f"Jahresabschluss {YEAR - 1}: {client['name']}",
                        [("Anlagevermögen", "184.500,00 €"), ("Umlaufvermögen", "96.340,25 €"),
                         ("Eigenkapital", "121.080,00 €"), ("Bilanzsumme", "280.840,25 €")]))]
    return [(f"Schreiben zu {title}.pdf",
             _letter(title, "Sehr geehrte Damen und Herren,", "",
                     "anbei der Stand Ihrer Sache. Bitte prüfen Sie die Angaben und bestätigen",
                     "Sie den Empfang.", "", "Mit freundlichen Grüßen", STAFF["admin"][1]))]


def _tax_papers(client):
    return [("Quittung Arbeitszimmer.png", papers.receipt(int(client["number"]))),
            ("Notizen zur Steuer.txt",
             "Fahrten zur Arbeit: 214 Tage, 17 km\nFortbildung im März, Beleg folgt.\n".encode())]


def from_client(client, title):
    """Returns the documents that the client sends in this matter: [(file name, bytes)]. The scanner
    keeps back one of them and refuses another."""
    if client["user"] == "krueger":
        notes = f"Lohnabrechnungen Oktober {YEAR}\n".encode()
        return [("Lohnabrechnungen Oktober.zip",
                 papers.locked_zip("Lohnabrechnungen.txt", notes, b"Strom-2208"))]
    if client["user"] == "y.demir":
        return _tax_papers(client) + [("Rechnung 4711.pdf.com", papers.virus())]
    if title == TAX:
        return _tax_papers(client)
    if title == BOOKS:
        return [(f"Kassenbuch Oktober {YEAR}.csv",
                 "\ufeffDatum;Text;Betrag\n01.10.;Tageseinnahme;812,40\n02.10.;Wechselgeld;-50,00\n"
                 .encode()),
                ("Rechnung Mehl 2208.pdf",
                 _table("Rechnung 2208", [("40 Säcke Weizenmehl 550", "1.180,00 €"),
                                          ("Umsatzsteuer 7 %", "82,60 €"),
                                          ("Gesamt", "1.262,60 €")], head="Kunstmühle Rosental"))]
    if "Neubau" in title or "Mietrecht" in title:
        return [("Ansicht Süd.png", papers.house())]
    return []
