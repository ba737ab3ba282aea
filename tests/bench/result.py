"""Results of rows, and the table of all of them."""

from measure import median


class Result:
    """PAIRS of (ours, yardstick), one per round, in UNIT. The ratio is ours / yardstick, or
    the other way round (TURNED); the GOAL is its least value, or its largest (LESS)."""

    def __init__(self, pairs, unit, *, goal, less=False, turned=False, note=""):
        self.pairs, self.unit, self.goal, self.less, self.note = pairs, unit, goal, less, note
        self.ratios = [(b / a if turned else a / b) for a, b in pairs]

    def row(self):
        ratio = median(self.ratios)
        met = ratio <= self.goal if self.less else ratio >= self.goal
        return {
            "ours": median([a for a, _ in self.pairs]),
            "yardstick": median([b for _, b in self.pairs]),
            "unit": self.unit, "ratio": ratio, "lowest": min(self.ratios),
            "highest": max(self.ratios), "goal": f"{'<=' if self.less else '>='} {self.goal}",
            "met": met, "note": self.note, "rounds": self.pairs,
        }


class Amount:
    """An amount of memory, once for each round, with a limit."""

    def __init__(self, values, unit, *, limit, note=""):
        self.values, self.unit, self.limit, self.note = values, unit, limit, note

    def row(self):
        value = median(self.values)
        return {
            "ours": value, "yardstick": None, "unit": self.unit, "ratio": None,
            "lowest": min(self.values), "highest": max(self.values),
            "goal": f"<= {self.limit}", "met": value <= self.limit, "note": self.note,
            "rounds": self.values,
        }


def number(value):
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(rows):
    """Returns the table as text. RESULTS: {name: row, or the text of its error}."""
    head = ("row", "ours", "yardstick", "unit", "ratio", "lowest", "highest", "goal", "")
    lines = [head]
    for name, row in rows.items():
        if isinstance(row, str):
            lines.append((name, "-", "-", row, "", "", "", "", "not measured"))
            continue
        values = [row[key] for key in ("ratio", "lowest", "highest")]
        shown = ["" if value is None else f"{value:.2f}" for value in values]
        lines.append((
            name, number(row["ours"]), number(row["yardstick"]), row["unit"], *shown, row["goal"],
            "met" if row["met"] else "MISSED",
        ))
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    text = [
        "  ".join(cell.ljust(w) if i in (0, 3) else cell.rjust(w) for i, (cell, w) in
                  enumerate(zip(line, widths, strict=True))).rstrip()
        for line in lines
    ]  # fmt: skip
    notes = [f"{name}: {row['note']}" for name, row in rows.items() if not isinstance(row, str)]
    return "\n".join([text[0], "-" * len(text[0]), *text[1:], "", *notes])
