# shellcheck shell=bash
# The embedded PostgreSQL: a cluster in pg/, reached by a socket there that nobody else may enter. Where root
# calls start, it has a user of its own, and the service's user may connect as the role of httpd alone.
# With KANZLEI_DATABASE in the environment there is none (control.sh).

# The folder of the server programs: of the cluster's version, or the newest for a new cluster.
postgres_bin()
{
    local version found

    if [ -r "$data/pg/cluster/PG_VERSION" ]; then
        version=$(cat "$data/pg/cluster/PG_VERSION")
        [ -x "/usr/lib/postgresql/$version/bin/postgres" ] ||
            die "The database was made by PostgreSQL $version, which is not installed here:" \
                "apt-get install postgresql-$version"
        echo "/usr/lib/postgresql/$version/bin"
        return 0
    fi
    found=$(find /usr/lib/postgresql -maxdepth 3 -path '*/bin/postgres' 2>/dev/null | sort -V |
        tail -n 1)
    [ -n "$found" ] || die "PostgreSQL's server is not installed: apt-get install postgresql"
    dirname -- "$found"
}

# A crash in the middle leaves pg/new, never a half-made cluster under its real name.
make_cluster()
{
    [ ! -e "$data/pg/cluster/PG_VERSION" ] || return 0
    say "Making the database …"
    rm -rf "$data/pg/new"
    "$pg_bin/initdb" -D "$data/pg/new" --username=postgres --auth=trust --encoding=UTF8 \
        --locale=C.UTF-8 --data-checksums > "$data/pg/log/initdb.log" 2>&1 ||
        { tail -n 5 "$data/pg/log/initdb.log" >&2; die "The database could not be made."; }
    mv "$data/pg/new" "$data/pg/cluster"
}

# Who may connect as whom. Without a user of its own, whoever may enter the socket's folder.
configure_access()
{
    local file=$data/pg/cluster/pg_hba.conf role user

    if [ "$(id -un 2>/dev/null)" != "$database_user" ]; then
        printf 'local all all trust\n' > "$file.new"
    else
        printf 'local all all peer map=kanzlei\n' > "$file.new"
        {
            printf 'kanzlei %s kanzlei_portal\n' "$service_user"
            for user in root "$database_user"; do
                for role in postgres kanzlei_owner kanzlei_portal; do
                    printf 'kanzlei %s %s\n' "$user" "$role"
                done
            done
        } > "$data/pg/cluster/pg_ident.conf"
    fi
    mv "$file.new" "$file"
}

# An eighth of the memory for shared buffers, between 64 MB and 2 GB.
configure_postgres()
{
    local memory buffers

    memory=$(awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo)
    buffers=$((memory / 8))
    [ "$buffers" -ge 64 ] || buffers=64
    [ "$buffers" -le 2048 ] || buffers=2048
    render "$here/postgresql.conf" "$data/pg/cluster/kanzleipost.conf" DATA "$data" \
        BUFFERS "$buffers" CACHE "$((memory / 2))"
    grep -q "kanzleipost.conf" "$data/pg/cluster/postgresql.conf" ||
        echo "include 'kanzleipost.conf'" >> "$data/pg/cluster/postgresql.conf"
    configure_access
}

# After a kill of the postmaster alone its children end by themselves, some a moment later; a new
# server would refuse to start beside them.
start_postgres()
{
    if postgres_pid > /dev/null; then
        "$pg_bin/pg_isready" -q -h "$data/pg/socket" -U postgres -d postgres && return 0
    else
        wait_gone postgres 20 || end_all postgres
        rm -f "$data/pg/cluster/postmaster.pid" "$data"/pg/socket/.s.PGSQL.*
    fi
    "$pg_bin/pg_ctl" -D "$data/pg/cluster" -w -t 120 -s -l "$data/pg/log/postgresql-start.log" start 9>&- ||
        { tail -n 5 "$data/pg/log/postgresql-start.log" >&2; die "PostgreSQL did not start."; }
}

# The owner of the schema, whom only "kanzleictl migrate" uses, and the role of httpd, which owns
# nothing and so can't switch row-level security off. Safe to run again.
make_roles()
{
    "$pg_bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$data/pg/socket" -U postgres -d postgres \
        -f "$here/roles.sql" > "$data/pg/log/roles.log" 2>&1 ||
        { tail -n 5 "$data/pg/log/roles.log" >&2; die "The database's roles could not be made."; }
}

need_postgres()
{
    local folder

    embedded_postgres || return 0
    for folder in "$data/pg" "$data/pg/log" "$data/pg/socket"; do
        [ -d "$folder" ] || mkdir -m 0700 "$folder"
    done
    pg_bin=$(postgres_bin)
    make_cluster
    configure_postgres
    start_postgres
    make_roles
}
