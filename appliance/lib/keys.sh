# shellcheck shell=bash
# The operator's master key: made once, with the database; never made anew beside an old database,
# because what is stored could then not be read any more and nobody would have been told.

need_master_key()
{
    local key=$data/keys/master-1

    if [ -e "$key" ]; then
        [ "$(stat -c %s "$key")" -eq 32 ] || die "The master key $key is damaged: put it back from your backup."
        return 0
    fi
    [ ! -e "$data/pg/cluster/PG_VERSION" ] && [ ! -e "$data/conf/settings" ] ||
        die "The master key $key is missing: put it back from your backup."
    (umask 077 && head -c 32 /dev/urandom > "$key.new" && sync "$key.new")
    mv "$key.new" "$key"
    sync "$data/keys"
}
