"""Judges plans of auto_explain: how many rows were read, and whether that grows with the firm."""

SMALL = {"firm", "installation", "master_key", "migration"}  # rows grow with firms, not with data
REMOVED = ("Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck")


def nodes(node):
    yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)


def title(node):
    words = [node["Node Type"]]
    if "Index Name" in node:
        words.append("by " + node["Index Name"])
    if "Relation Name" in node:
        words.append("on " + node["Relation Name"])
    return " ".join(words)


def total(node, key):
    """Returns the sum over all loops."""
    return node.get(key, 0) * node.get("Actual Loops", 1)


def problems(plan, most, thrown=500):
    """Returns the steps of a plan that cost more in a larger firm. MOST: rows that any step may
    read; THROWN: rows that a step may read in vain, besides ten for each that it returns."""
    for node in nodes(plan):
        returned = total(node, "Actual Rows")
        removed = sum(total(node, key) for key in REMOVED)
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] not in SMALL:
            yield f"{title(node)}: sequential ({returned + removed} rows)"
        elif returned + removed > most:
            yield f"{title(node)}: {returned} rows and {removed} thrown away, more than {most}"
        elif removed > thrown + 10 * returned and "Relation Name" in node:
            condition = node.get("Filter") or node.get("Recheck Cond")
            yield f"{title(node)}: {removed} rows thrown away for {returned} by {condition}"
