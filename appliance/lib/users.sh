# shellcheck shell=bash
# What root's start does itself, before all else runs as the service's user: folders, the database and the
# scanner, each as a user of its own.

# $1 owner, $2 mode, $3 folder: made, or given to its owner. The service's user gets through by its group.
own_folder()
{
    [ "$(stat -c '%U %G %a' "$3" 2>/dev/null)" = "$1 $service_user $2" ] ||
        install -d -m "$2" -o "$1" -g "$service_user" "$3"
}

# The same of a folder in one of $1's own, who may have put a link in its place: root follows none.
own_inner_folder()
{
    [ "$(stat -c '%U %G %a' "$3" 2>/dev/null)" != "$1 $service_user $2" ] || return 0
    [ -d "$3" ] || mkdir -m 0700 "$3"
    chown -h "$1:$service_user" "$3"
    as_user "$1" chmod "$2" "$3" || die "$3 is not a folder of $1's."
}

# A cluster that an older version made is the service's: it is stopped, and becomes the database user's.
take_cluster()
{
    [ -d "$data/pg" ] && [ "$(stat -c %U "$data/pg")" != "$database_user" ] || return 0
    stop_httpd
    stop_postgres
    chown -R -h "$database_user:$database_user" "$data/pg"
}

make_state_folders()
{
    local folder

    for folder in $state_folders; do
        [ -d "$data/$folder" ] || install -d -m 0700 -o "$service_user" -g "$service_user" "$data/$folder"
    done
    own_folder "$scanner_user" 2710 "$data/scan"
    embedded_postgres || return 0
    take_cluster
    own_folder "$database_user" 710 "$data/pg"
    own_inner_folder "$database_user" 710 "$data/pg/socket"
}

# The database, started if it is embedded. What comes then finds KANZLEI_DATABASE, as with an outside one.
need_own_database()
{
    own_postgres=no
    embedded_postgres || return 0
    own_postgres=yes
    as_user "$database_user" "$installed/database" --data "$data"
    KANZLEI_OWNER_DATABASE=$(database_conninfo kanzlei_owner)
    export KANZLEI_OWNER_DATABASE
    KANZLEI_DATABASE=$(database_conninfo kanzlei_portal)
    export KANZLEI_DATABASE
}

# kanzlei-scand that the data folder's guard runs with, a word a line; nothing if there is none.
running_scanner()
{
    local pid

    pid=$(all_pids scand | sort -n | head -n 1)
    [ -z "$pid" ] || tr '\0' '\n' < "/proc/$pid/cmdline" | sed '/^--replaces$/,+1d'
}

# The scanner's log, as httpd's (rotate in httpd.sh). The scanner may go on to append to it: it is copied, and emptied,
# by the scanner's user, whose folder it is.
rotate_scanner_log()
{
    # shellcheck disable=SC2016  # expanded by the inner shell
    as_user "$scanner_user" sh -c 'umask 077
        [ ! -e "$1" ] || [ "$(stat -c %s "$1")" -le "$2" ] || { cp "$1" "$1.1" && : > "$1"; }' \
        sh "$data/scan/log" "$log_limit"
}

# The scanner lives on from start to start unless its arguments, or the program, have changed.
need_scanner()
{
    local words=("$program/usr/lib/kanzleipost/kanzlei-scand" --guard --group "$service_user") arguments before=() turn

    [ -z "$foreign_scanner" ] || return 0
    rotate_scanner_log
    mapfile -t arguments < <(control scanner arguments)
    [ ${#arguments[@]} -gt 0 ] || die "The scanner's arguments are not known."
    words+=("${arguments[@]}")
    if [ -S "$KANZLEI_SCANNER" ]; then
        [ "$(running_scanner)" != "$(printf '%s\n' "${words[@]}")" ] || return 0
        mapfile -t before < <(all_pids scand | sort -n | head -n 1)
    fi
    # shellcheck disable=SC2016  # expanded by the inner shell
    make_user_command "$scanner_user" sh -c 'umask 077; exec "$@" < /dev/null > /dev/null 2>> "$0"' \
        "$data/scan/log" "${words[@]}" ${before:+--replaces "${before[0]}"}
    "${user_command[@]}" 7<&- 8<&- &
    for ((turn = 0; turn < 100; turn++)); do
        [ ! -S "$KANZLEI_SCANNER.status" ] || return 0
        sleep 0.1
    done
    die "The scanner does not start: $(as_user "$scanner_user" tail -n 1 "$data/scan/log")"
}

# The demonstration's firm is made by the owner of the schema; all else of it by the service's user.
need_demonstration_firm()
{
    local role user name mail

    [ "$demonstration" = yes ] && [ ! -e "$data/conf/demonstration" ] || return 0
    while IFS=$'\t' read -r role user name mail; do
        [ "$role" != firm ] || make_firm "$user" "$name"
    done < <("$installed/demo/make" --people)
}

stop_own()
{
    trap '' TERM INT
    kill -TERM "$1" 2>/dev/null || true
    wait "$1" || true
    end_all scand
    [ "$own_postgres" = no ] || stop_postgres
}

# Stays, and ends all on SIGTERM, or when httpd has ended.
attend()
{
    local pid status=0

    make_user_command "$service_user" "$installed/run" "$@" --prepared
    "${user_command[@]}" 7<&- 8<&- &
    pid=$!
    trap 'stop_own "$pid"; exit 0' TERM INT
    wait "$pid" || status=$?
    stop_own "$pid"
    exit "$status"
}
