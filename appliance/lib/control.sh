# shellcheck shell=bash
# kanzleictl with this data folder's configuration, and as the owner of the schema.

database_conninfo()
{
    if embedded_postgres; then
        echo "host=$data/pg/socket dbname=kanzlei user=$1"
    elif [ "$1" = kanzlei_owner ]; then
        echo "${KANZLEI_OWNER_DATABASE:-}"
    else
        echo "$KANZLEI_DATABASE"
    fi
}

# With KANZLEI_DATABASE in the environment nothing is embedded: an outside PostgreSQL is used.
embedded_postgres()
{
    [ -z "${KANZLEI_DATABASE:-}" ]
}

# Root's call takes the service's rights, but for the connection as the owner.
control()
{
    local folder=''

    ! embedded_postgres || folder=$data/pg/cluster
    KANZLEI_USER=${control_user:-} KANZLEI_DATABASE_FOLDER=$folder KANZLEI_OWNER_DATABASE=$(database_conninfo kanzlei_owner) \
        KANZLEI_CONFIG=$data/conf/kanzlei.conf "$program/usr/bin/kanzleictl" "$@" 9>&-
}

need_schema()
{
    local said

    said=$(control migrate 2>&1) ||
        { tail -n 5 <<< "$said" >&2; die "The database could not be brought up to date."; }
}
