# shellcheck shell=bash
# The demonstration firm, its sign-ins, and what a start says at the end.

# Twelve letters and digits that can't be mistaken for each other, in three groups: 59 bits.
draw_password()
{
    local raw

    raw=$(LC_ALL=C tr -dc 'a-hjkmnp-z2-9' < <(head -c 512 /dev/urandom))
    printf '%s-%s-%s\n' "${raw:0:4}" "${raw:4:4}" "${raw:8:4}"
}

need_demonstration()
{
    accounts=()
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
        return
    fi
    printf '\nKanzleipost runs: %s/\n' "$url"
    for account in "${accounts[@]}"; do
        read -r role user password <<< "$account"
        printf '  %-8s  %-12s  %s\n' "$role" "$user" "$password"
    done
    printf 'Data: %s\nBrowsers trust it with this certificate: %s\n' "$data" "$data/tls/ca.crt"
}
