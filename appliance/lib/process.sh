# shellcheck shell=bash
# Which processes are this data folder's, and how they end. Nothing is trusted but /proc: a pid file
# may be old and its number somebody else's by now.

# The command line of process $1 into REPLY, words separated by spaces; nothing if there is no such
# process. Without a fork, because every process of the host is asked, and often.
command_of()
{
    local words=()

    REPLY=
    [ -r "/proc/$1/cmdline" ] || return 0
    mapfile -d '' -t words 2>/dev/null < "/proc/$1/cmdline" || true
    REPLY="${words[*]} "
}

httpd_matches()
{
    command_of "$1"
    [[ $REPLY == *apache2\ *" $data/conf/httpd.conf "* ]]
}

scand_matches()
{
    command_of "$1"
    [[ $REPLY == *kanzlei-scand*"$data/"* || $REPLY == "$data"/program/*/kanzlei-scand* ]]
}

# Runs $@, which asks /proc about links of other processes and fails if it may not. Root without the
# capability SYS_PTRACE, as containers have it, may not look at other accounts' links: the accounts that
# own the data folder's state may, with the capability that they have for a port below 1024.
looking()
{
    local folder owner drop low=--inh-caps=+net_bind_service

    "$@" 2>/dev/null && return 0
    is_root || return 1
    for folder in conf pg/cluster; do
        owner=$(stat -c %u "$data/$folder" 2>/dev/null) && [ "$owner" -ne 0 ] || continue
        drop=(--reuid "$owner" --regid "$(stat -c %g "$data/$folder")" --clear-groups)
        setpriv "$low" "${low/inh/ambient}" "${drop[@]}" "$@" 2>/dev/null && return 0
        setpriv "${drop[@]}" "$@" 2>/dev/null && return 0
    done
    return 1
}

# The postmaster's command line names the folder, its children's don't: but they all work in it.
postgres_matches()
{
    command_of "$1"
    [[ $REPLY == *postgres* ]] && [ "$(looking readlink "/proc/$1/cwd")" = "$data/pg/cluster" ]
}

# The pid in file $2, if that process is what $1 (httpd, scand, postgres) matches.
pid_of()
{
    local pid=

    [ -r "$2" ] || return 1
    read -r pid < "$2" || [ -n "$pid" ] || return 1
    case $pid in
        '' | *[!0-9]*) return 1 ;;
    esac
    "$1_matches" "$pid" || return 1
    printf '%s\n' "$pid"
}

httpd_pid()
{
    pid_of httpd "$data/run/httpd.pid"
}

postgres_pid()
{
    pid_of postgres "$data/pg/cluster/postmaster.pid"
}

# Every process of kind $1 that belongs to this data folder, parents and children, one pid a line.
all_pids()
{
    local entry pid

    for entry in /proc/[0-9]*; do
        pid=${entry#/proc/}
        if "$1_matches" "$pid"; then
            printf '%s\n' "$pid"
        fi
    done
}

# Waits up to $2 tenths of a second until no process of kind $1 is left.
wait_gone()
{
    local turn

    for ((turn = 0; turn < $2; turn++)); do
        [ -n "$(all_pids "$1")" ] || return 0
        sleep 0.1
    done
    [ -z "$(all_pids "$1")" ]
}

signal_all()
{
    local pid

    for pid in $(all_pids "$2"); do
        kill "-$1" "$pid" 2>/dev/null || true
    done
}

# Ends what is left of kind $1: asked first, then made to.
end_all()
{
    signal_all TERM "$1"
    wait_gone "$1" 50 && return 0
    signal_all KILL "$1"
    wait_gone "$1" 50 || die "A process of kind $1 can't be ended: $(all_pids "$1" | tr '\n' ' ')"
}

# httpd finishes the requests under way (it gives up by itself after GracefulShutdownTimeout).
stop_httpd()
{
    local pid

    if pid=$(httpd_pid); then
        kill -WINCH "$pid" 2>/dev/null || true
        wait_gone httpd 120 || true
    fi
    end_all httpd
    [ -n "${KANZLEI_SCANNER:-}" ] || end_all scand
    rm -f "$data/run/httpd.pid"
}

# SIGINT is PostgreSQL's "fast" shutdown: sessions are rolled back, a checkpoint is written.
stop_postgres()
{
    local pid

    if pid=$(postgres_pid); then
        kill -INT "$pid" 2>/dev/null || true
        wait_gone postgres 600 || true
    fi
    if [ -n "$(all_pids postgres)" ]; then
        signal_all QUIT postgres
        wait_gone postgres 50 || end_all postgres
    fi
}

# The inodes of the sockets that listen on TCP port $1.
listeners()
{
    local hex

    printf -v hex ':%04X' "$1"
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        awk -v port="$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { print $10 }'
}

# The pids that listen on port $1, as far as /proc tells the caller.
listener_pids()
{
    local inode link

    for inode in $(listeners "$1"); do
        # shellcheck disable=SC2016  # $0 is the inner shell's
        link=$(looking sh -c 'find /proc/[0-9]*/fd -lname "$0" -print -quit 2>/dev/null | grep .' \
            "socket:\[$inode\]" || true)
        link=${link#/proc/}
        printf '%s\n' "${link%%/*}"
    done
}

# Ends the script if somebody else listens on port $1. Our own httpd may, and what a killed one left
# behind: it is replaced, not fought.
need_port()
{
    local pid name=''

    [ -n "$(listeners "$1")" ] || return 0
    for pid in $(listener_pids "$1"); do
        ! httpd_matches "$pid" || return 0
        name=" by $(cat "/proc/$pid/comm" 2>/dev/null || echo '?') ($pid)"
    done
    die "Port $1 is in use$name: choose another one with --port."
}
