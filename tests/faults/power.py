"""A power loss: of a folder only what was flushed is sure to be there afterwards."""

import shutil

BLOCK = 4096


class Power:
    """Records what httpd flushes in FOLDER (power.c), and takes the rest away."""

    def __init__(self, site, folder):
        self.folder, self.record = folder, site.data / "tmp" / "power"
        self.environment = {"KZ_POWER": f"{self.record}:{self.folder}"}

    def begin(self, owner):
        """Takes all that is there now as flushed; no httpd may run."""
        shutil.rmtree(self.record, ignore_errors=True)
        self.record.mkdir()
        names = []
        for path in self.folder.iterdir():
            inode = path.stat().st_ino
            shutil.copy(path, self.record / f"file-{inode}")
            names.append(f"{inode} {path.name}\n")
        (self.record / "names").write_text("".join(names))
        for path in (self.record, *self.record.iterdir()):
            shutil.chown(path, owner.pw_uid, owner.pw_gid)

    def lose(self, chance, owner):
        """Loses the power: all that was not flushed is gone (CHANCE None), or a part of it, by
        names and blocks. All processes that write must be dead. Returns what was lost."""
        kept = dict(reversed(line.split(" ", 1)) for line in
                    (self.record / "names").read_text().splitlines())  # fmt: skip
        now = {path.name: str(path.stat().st_ino) for path in self.folder.iterdir()}
        seen = {inode: (self.folder / name).read_bytes() for name, inode in now.items()}
        after, lost = {}, []
        for name in kept.keys() | now.keys():
            old, new = kept.get(name), now.get(name)
            inode = new if old == new or (chance and chance.random() < 0.5) else old
            if inode:
                after[name] = self.content(inode, seen.get(inode), chance)
            if inode != new or (inode and after[name] != seen[inode]):
                lost.append(name)
        for name in now:
            (self.folder / name).unlink()
        for name, content in after.items():
            path = self.folder / name
            path.write_bytes(content)
            path.chmod(0o600)
            shutil.chown(path, owner.pw_uid, owner.pw_gid)
        return lost

    def content(self, inode, seen, chance):
        """Returns a file's bytes: block by block as they were flushed, or as they were last."""
        record = self.record / f"file-{inode}"
        kept = record.read_bytes() if record.exists() else b""
        if seen is None or not chance:
            return kept
        length = chance.choice((len(kept), len(seen), chance.randint(0, len(seen))))
        length = max(length, min(len(kept), len(seen)))
        mixed = bytearray(length)
        for at in range(0, length, BLOCK):
            source = chance.choice((kept, seen))
            piece = source[at : min(at + BLOCK, length)]
            mixed[at : at + len(piece)] = piece
        return bytes(mixed)
