# shellcheck shell=bash
# Configuration files, written anew at each start from templates; what an operator adds stands in
# files of its own (conf/local.conf for httpd, conf/kanzlei.local.conf for the portal).

# render TEMPLATE FILE NAME VALUE…: replaces each @NAME@; a name that stays is an error.
render()
{
    local text file=$2 template=$1

    text=$(cat "$template")
    shift 2
    while [ $# -gt 0 ]; do
        text=${text//"@$1@"/"$2"}
        shift 2
    done
    [[ ! $text =~ @[A-Z_]+@ ]] || die "$template: ${BASH_REMATCH[0]} has no value."
    printf '%s\n' "$text" > "$file.new"
    mv "$file.new" "$file"
}

# Where httpd listens, one directive a line: loopback unless told otherwise.
listen_lines()
{
    case $listen in
        localhost)
            printf 'Listen 127.0.0.1:%s\n' "$1"
            [ ! -e /proc/net/if_inet6 ] || ! grep -q ' lo$' /proc/net/if_inet6 ||
                printf 'Listen [::1]:%s\n' "$1" ;;
        '*' | 0.0.0.0) printf 'Listen 0.0.0.0:%s\n' "$1" ;;
        *:*) printf 'Listen [%s]:%s\n' "$listen" "$1" ;;
        *) printf 'Listen %s:%s\n' "$listen" "$1" ;;
    esac
}

# The host in the portal's address: what people type, so a name where there is one.
public_host()
{
    case $listen in
        localhost | 127.0.0.1 | ::1) echo localhost ;;
        '*' | 0.0.0.0 | ::) hostname -f 2>/dev/null || hostname ;;
        *:*) echo "[$listen]" ;;
        *) echo "$listen" ;;
    esac
}

public_url()
{
    local host

    host=$(public_host)
    if [ -n "${KANZLEI_URL:-}" ]; then
        printf '%s\n' "${KANZLEI_URL%/}"
    elif [ "$port" -eq 443 ]; then
        printf 'https://%s\n' "$host"
    else
        printf 'https://%s:%s\n' "$host" "$port"
    fi
}

# The host of the address, for the certificate.
url_host()
{
    local host=${url#*://}

    host=${host%%/*}
    case $host in
        \[*) host=${host#\[} host=${host%%\]*} ;;
        *) host=${host%%:*} ;;
    esac
    printf '%s\n' "$host"
}

# As httpd takes it: an IPv6 address in brackets.
server_name()
{
    case $(url_host) in
        *:*) printf '[%s]\n' "$(url_host)" ;;
        *) url_host ;;
    esac
}

installation_id()
{
    [ -s "$data/conf/installation" ] || {
        cat /proc/sys/kernel/random/uuid > "$data/conf/installation.new"
        mv "$data/conf/installation.new" "$data/conf/installation"
    }
    cat "$data/conf/installation"
}

# freshclam's folder, if a database is in it. Otherwise nothing but test signatures is left.
signature_folder()
{
    local file

    for file in /var/lib/clamav/*.c[vl]d; do
        [ ! -r "$file" ] || { echo /var/lib/clamav; return 0; }
    done
}

store_lines()
{
    local name=1 store

    # shellcheck disable=SC2086  # a list: addresses hold no blanks
    set -- ${KANZLEI_STORES:-dir:$data/store-1 dir:$data/store-2}
    for store in "$@"; do
        printf 'KanzleiStore store-%s "%s"\n' "$name" "$store"
        name=$((name + 1))
    done
}

write_portal_conf()
{
    local signatures scanner_program=$program/usr/lib/kanzleipost/kanzlei-scand

    # Somebody else starts the scanner that has its own socket.
    [ -z "${KANZLEI_SCANNER:-}" ] || scanner_program=
    signatures=$(signature_folder)
    render "$here/kanzlei.conf" "$data/conf/kanzlei.conf" \
        URL "$url" INSTALLATION "$(installation_id)" DATABASE "$(database_conninfo kanzlei_portal)" \
        STORES "$(store_lines)" DATA "$data" PROGRAM "$program" SIGNATURES "$signatures" \
        SCANNER "${KANZLEI_SCANNER:-$data/run/scand.sock}" \
        SCANNER_PROGRAM "$scanner_program" \
        TEST_SIGNATURES "$program/usr/share/kanzleipost/testdb" MAIL "${KANZLEI_MAIL:-dir:$data/mail}" \
        MAIL_FROM "${KANZLEI_MAIL_FROM:-portal@kanzlei.example}" \
        DEMONSTRATION "$([ "$demonstration" = no ] || echo on)"
    sed -i '/^Kanzlei.* ""$/d' "$data/conf/kanzlei.conf" # a directive without a value is left out
    [ ! -e "$data/conf/kanzlei.local.conf" ] ||
        cat "$data/conf/kanzlei.local.conf" >> "$data/conf/kanzlei.conf"
    [ -n "$signatures" ] || [ "$stage" = prepare ] ||
        say "No signature database in /var/lib/clamav: documents are scanned with TEST SIGNATURES ONLY."
}

# The redirect from plain http, if a port is given for it.
redirect_lines()
{
    [ -n "$http_port" ] || return 0
    listen_lines "$http_port"
    printf '<VirtualHost *:%s>\n    Redirect permanent / "%s/"\n</VirtualHost>\n' \
        "$http_port" "$url"
}

write_httpd_conf()
{
    local modules threads_per_child h2_workers children=4 most=12

    # Of the children that may be there, old ones that end are two thirds; half where the bound is narrow.
    size_httpd "$(process_limit)"
    [ "$threads_per_child" -eq 512 ] || children=2 most=4
    modules=$(dirname -- "$(find /usr/lib/apache2/modules /usr/libexec/apache2 \
        -name mod_ssl.so -print -quit 2>/dev/null)")
    [ -e "$data/conf/local.conf" ] || cp "$here/httpd/local.conf" "$data/conf/local.conf"
    render "$here/httpd/httpd.conf" "$data/conf/httpd.conf" \
        DATA "$data" PROGRAM "$program" MODULES "$modules" PORT "$port" URL "$url" \
        HOST "$(server_name)" LISTEN "$(listen_lines "$port")" REDIRECT "$(redirect_lines)" \
        THREADS "$threads_per_child" WORKERS "$((threads_per_child * children))" \
        SERVERS "$most" SPARE "$((threads_per_child / 8))" H2WORKERS "$h2_workers"
}
