# shellcheck shell=bash
# kanzleictl with this data folder's configuration, and as the owner of the schema.

database_conninfo()
{
    if embedded_postgres; then
        echo "host=$data/run/pg dbname=kanzlei user=$1"
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

control()
{
    KANZLEI_OWNER_DATABASE=$(database_conninfo kanzlei_owner) \
        KANZLEI_CONFIG=$data/conf/kanzlei.conf "$program/usr/bin/kanzleictl" "$@" 9>&-
}
