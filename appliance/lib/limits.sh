# shellcheck shell=bash
# How many processes and threads there may be, and how many of them httpd gets.

# The lowest pids.max of the control groups that this process is in, or nothing: version 2, or 1 with
# a hierarchy of its own. CONTROL_GROUPS and OWN_GROUPS stand for /sys/fs/cgroup and /proc/self/cgroup.
cgroup_pids_max()
{
    local top=${CONTROL_GROUPS:-/sys/fs/cgroup} hierarchy path file value lowest=''

    while IFS=: read -r _ hierarchy path; do
        case ,$hierarchy, in
            ,,) ;;
            *,pids,*) top=$top/pids ;;
            *) continue ;;
        esac
        # In a container the path may be that of the host: what is there then is the top.
        while :; do
            file=$top${path%/}/pids.max
            value=$(cat "$file" 2>/dev/null || true)
            case $value in
                '' | *[!0-9]*) ;;
                *) [ -n "$lowest" ] && [ "$lowest" -le "$value" ] || lowest=$value ;;
            esac
            [ -n "${path#/}" ] || break
            path=${path%/*}
        done
        top=${CONTROL_GROUPS:-/sys/fs/cgroup}
    done < "${OWN_GROUPS:-/proc/self/cgroup}"
    printf '%s\n' "$lowest"
}

# How many processes and threads the portal may have: what KANZLEI_PROCESSES says, or the lower one of
# the control group's and the user's limit (which does not bind root); 0: no limit is known.
process_limit()
{
    local group user

    [ -z "${KANZLEI_PROCESSES:-}" ] || { printf '%s\n' "$KANZLEI_PROCESSES"; return 0; }
    group=$(cgroup_pids_max)
    user=$(ulimit -u)
    [ "$user" != unlimited ] || user=
    printf '%s\n' "$group" "$user" | sort -n | awk '$1 > 0 { n = $1; exit } END { print n + 0 }'
}

# httpd's sizes under a LIMIT: sets threads_per_child and h2_workers. At most four children are there at
# once, two of them while they end after a graceful restart (eight more may end where the limit is wide enough for
# full sizes: they have threads for the connections that are left); 120 are left to PostgreSQL, the scanner and
# scripts. The portal takes less than half of a wide limit, so that a second one has room beside it, and
# nine tenths of a narrow one.
size_httpd()
{
    local limit=$1 narrow=921 share child

    threads_per_child=512 h2_workers=128
    [ "$limit" -gt 0 ] || return 0
    share=$((limit * 9 / 10))
    [ "$share" -le "$narrow" ] || share=$((limit * 9 / 20))
    [ "$share" -ge "$narrow" ] || [ $((limit * 9 / 10)) -le "$narrow" ] || share=$narrow
    child=$(((share - 120) / 4 - 13)) # thirteen more: listener, jobs
    [ "$child" -lt 640 ] || return 0
    h2_workers=$((child / 5))
    threads_per_child=$((child - h2_workers))
}

need_processes()
{
    local limit

    limit=$(process_limit)
    case $limit in
        *[!0-9]*) die "KANZLEI_PROCESSES is a number, not \"$limit\"." ;;
    esac
    [ "$limit" -eq 0 ] || [ "$limit" -ge 400 ] ||
        die "Too few processes: $limit are allowed here (pids.max of the control group, ulimit -u), 400 are needed."
}
