# shellcheck shell=bash
# What can be known before anything is changed: each check ends with one sentence, or is silent.

need_known_layout()
{
    local found

    [ -e "$data" ] || return 0
    [ -d "$data" ] || die "$data is not a folder."
    if [ -e "$data/version" ]; then
        found=$(cat "$data/version" 2>/dev/null) || die "You may not read $data/version."
        case $found in
            '' | *[!0-9]*) die "$data/version is damaged: it should hold the number $layout." ;;
        esac
        [ "$found" -le "$layout" ] ||
            die "$data was made by a newer version of Kanzleipost ($found, this one knows $layout)."
    elif [ -n "$(find "$data" -mindepth 1 -maxdepth 1 ! -name version.new -print -quit 2>/dev/null)" ]; then
        die "$data is not empty and not a data folder of Kanzleipost: choose another one with --data."
    fi
}

# As whom the service runs: the caller, or for root the system user.
service_account()
{
    if is_root; then echo "$service_user"; else id -un; fi
}

# Root passes everywhere, the system user does not; before it is made, "nobody" stands in for it.
need_passage()
{
    local user

    is_root || return 0
    user=$(id -u "$service_user" 2>/dev/null || echo 65534)
    setpriv --reuid "$user" --regid "$user" --clear-groups test -x "$1" ||
        die "The system user $service_user can't reach $1: a folder on the way is closed to others."
}

need_rights()
{
    local above owner

    above=$(nearest "$data")
    [ -w "$above" ] && [ -x "$above" ] ||
        die "You may not write to $above: choose another folder with --data."
    need_passage "$above"
    [ -e "$data/conf" ] || return 0
    owner=$(stat -c %U "$data/conf")
    [ "$owner" = "$(service_account)" ] ||
        die "$data belongs to $owner: start it $(is_root && echo "as $owner" || echo "as root")."
}

# In KiB: room for packages, build and first data at the first start, some room to work later.
need_disk()
{
    local needed=2097152 free

    [ ! -e "$data/conf/settings" ] || needed=262144
    free=$(df -Pk -- "$(nearest "$data")" | awk 'NR == 2 { print $4 }')
    [ "$free" -ge "$needed" ] ||
        die "Too little disk: $((free / 1024)) MiB free at $(nearest "$data"), $((needed / 1024)) MiB needed."
}

need_memory()
{
    local free

    free=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
    [ "${free:-1024}" -ge 384 ] || die "Too little memory: $free MiB available, 384 MiB needed."
}

need_port_right()
{
    local first

    is_root && return 0
    first=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null || echo 1024)
    [ "$1" -ge "$first" ] || die "Only root may listen on port $1: choose one from $first up."
}

preflight()
{
    local each

    need_known_layout
    need_rights
    complete_options
    need_disk
    need_memory
    need_processes
    for each in $port $http_port; do
        need_port_right "$each"
        need_port "$each"
    done
}
