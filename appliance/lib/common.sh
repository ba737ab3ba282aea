# shellcheck shell=bash
# What start, stop, run and kanzleictl share: words, options, the data folder and who owns it.

# The layout of the data folder that these scripts know. A folder with a higher number was made by a
# newer version and is refused. The database has a version of its own (kanzleictl migrate).
# shellcheck disable=SC2034  # read by the scripts that source this
layout=2
service_user=kanzlei

# Where root calls start, the scanner and the embedded PostgreSQL have users of their own: what a document
# takes over can't read keys, and what takes httpd over is no superuser of the database.
scanner_user=kanzlei-scand
database_user=kanzlei-db

# Everything that the service itself writes. The data folder, its version and program/ belong to
# whoever called start: when that is root, the service can't change the program that it runs.
state_folders='store-1 store-2 spool keys tls mail run log conf tmp'

# Bytes; a start puts a larger log aside as NAME.1.
log_limit=67108864

say()
{
    printf '%s\n' "$*" >&2
}

die()
{
    printf 'kanzleipost: %s\n' "$*" >&2
    exit 1
}

is_root()
{
    [ "$(id -u)" -eq 0 ]
}

default_data()
{
    if is_root; then
        echo /var/lib/kanzleipost
    else
        echo "${XDG_DATA_HOME:-${HOME:?HOME is not set}/.local/share}/kanzleipost"
    fi
}

# Makes $1 absolute without asking that it exists, and refuses what no configuration file could quote.
absolute()
{
    local path

    path=$(realpath -m -- "$1")
    case $path in
        / | *[!a-zA-Z0-9/._+@-]*)
            die "The data folder can't be $path: use a path of letters, digits and . _ + @ - only." ;;
    esac
    # A Unix socket's path has room for 107 bytes; PostgreSQL's is the longest below the folder.
    [ "${#path}" -le 80 ] || die "The path of the data folder is too long for sockets: $path"
    printf '%s\n' "$path"
}

need_number()
{
    case $2 in
        '' | *[!0-9]* | ??????*) die "$1 needs a port between 1 and 65535, not \"$2\"." ;;
    esac
    [ "$2" -ge 1 ] && [ "$2" -le 65535 ] || die "$1 needs a port between 1 and 65535, not \"$2\"."
}

need_value()
{
    [ "$2" -ge 2 ] || die "$1 needs a value; see --help."
}

# The nearest folder above (or at) $1 that exists.
nearest()
{
    local path=$1

    while [ ! -e "$path" ]; do
        path=$(dirname -- "$path")
    done
    printf '%s\n' "$path"
}

# Fills the array user_command: $2… as user $1 and nobody else, with nothing of the caller's environment but
# what is meant for it. The login of the schema's owner is not: it is the operator's.
make_user_command()
{
    local user=$1 name variables=() group

    shift
    for name in TZ "${!KANZLEI_@}"; do
        [ "$name" = KANZLEI_OWNER_DATABASE ] || variables+=("$name=${!name:-}")
    done
    variables+=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME="$data")
    group=$(id -g "$user")
    user_command=(setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs "${drop_more[@]}"
        env -i "${variables[@]}" "$@")
}
drop_more=() user_command=()

as_user()
{
    make_user_command "$@"
    "${user_command[@]}" 7<&- 8<&-
}

# Holds the data folder's lock on descriptor 9 until the script ends: one start or stop at a time.
# What stays running afterwards is started with 9>&-.
lock_data()
{
    exec 9< "${1:-$data/run}"
    flock -w 120 9 || die "Another start or stop is at work in $data."
}

# A word from settings, which the first start writes: port, http_port, listen, demonstration.
setting()
{
    [ ! -r "$data/conf/settings" ] || sed -n "s/^$1=//p" "$data/conf/settings"
}
