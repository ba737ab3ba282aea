# shellcheck shell=bash
# The demonstration firm, its sign-ins, and what a start says at the end.

# Twelve letters and digits that can't be mistaken for each other, in three groups: 59 bits.
draw_password()
{
    local raw

    raw=$(LC_ALL=C tr -dc 'a-hjkmnp-z2-9' < <(head -c 512 /dev/urandom))
    printf '%s-%s-%s\n' "${raw:0:4}" "${raw:4:4}" "${raw:8:4}"
}

# Firm and staff by kanzleictl; all else through the portal's own pages, as people would do it. It runs
# once: what a crash left half done is completed by the next start.
make_demonstration()
{
    local role user name mail password admin_password=''

    say "Making the demonstration firm …"
    while IFS=$'\t' read -r role user name mail; do
        password=$(draw_password)
        case $role in
            firm) make_firm "$user" "$name" ;;
            admin)
                admin_password=$password
                ensure_staff "$user" "$name" "$mail" "$password" --admin ;;
            staff)
                ensure_staff "$user" "$name" "$mail" "$password" \
                    --right clients --right release --right unlock ;;
        esac
    done < <("$here/demo/make" --people)
    printf '%s\n' "$admin_password" |
        "$here/demo/make" --url "$url" --connect "$(connect_host):$port" --ca "$data/tls/ca.crt" >&2 ||
        die "The demonstration firm is not complete; the portal runs, and the next start goes on."
    touch "$data/conf/demonstration"
}

make_firm()
{
    ! control firm list --json < /dev/null | grep -q "\"slug\": *\"$1\"" || return 0
    control firm create "$1" --name "$2" >&2 < /dev/null || die "The firm $1 could not be made."
}

ensure_staff()
{
    local user=$1 name=$2 mail=$3 password=$4

    shift 4
    if set_password "$user" "$password" 2> /dev/null; then
        return 0
    fi
    printf '%s\n' "$password" | control staff create --firm muster --user "$user" --name "$name" \
        --email "$mail" "$@" --password-stdin >&2 || die "The account $user could not be made."
}

set_password()
{
    printf '%s\n' "$2" | control account password --firm muster --user "$1" --password-stdin >&2
}

# Passwords are kept nowhere: each start draws new ones for those whose sign-ins it prints.
need_demonstration()
{
    local role user name mail password

    accounts=()
    [ "$demonstration" = yes ] || return 0
    [ -e "$data/conf/demonstration" ] || make_demonstration
    while IFS=$'\t' read -r role user name mail; do
        [ "$role" != firm ] || continue
        password=$(draw_password)
        set_password "$user" "$password" || die "The password of $user could not be set."
        accounts+=("$role $user $password")
    done < <("$here/demo/make" --people)
}

announce_json()
{
    local account list='' firm=null role user password

    for account in "${accounts[@]}"; do
        read -r role user password <<< "$account"
        list+="${list:+, }{\"role\": \"$role\", \"user\": \"$user\", \"password\": \"$password\"}"
    done
    [ -z "$list" ] || firm='"muster"'
    printf '{"url": "%s", "firm": %s, "accounts": [%s], "data": "%s"}\n' \
        "$url" "$firm" "$list" "$data"
}

announce()
{
    local account role user password

    if [ "$json" = yes ]; then
        announce_json
        return 0
    fi
    printf '\nKanzleipost runs: %s/\n' "$url"
    for account in "${accounts[@]}"; do
        read -r role user password <<< "$account"
        printf '  %-8s  %-12s  %s\n' "$role" "$user" "$password"
    done
    printf 'Data: %s\nBrowsers trust it with this certificate: %s\n' "$data" "$data/tls/ca.crt"
}
