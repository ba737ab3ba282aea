# shellcheck shell=bash
# httpd: started from conf/httpd.conf, left alone when nothing has changed.

# What the running httpd was started with: its configuration, certificate and program.
httpd_fingerprint()
{
    {
        cat "$data"/conf/*.conf "$data/tls/server.crt"
        echo "$program ${httpd_flags[*]} ${KANZLEI_HTTPD_ENVIRONMENT:-}"
    } | sha256sum
}

httpd_up_to_date()
{
    httpd_pid > /dev/null && [ "$(cat "$data/run/httpd.stamp" 2>/dev/null)" = "$(httpd_fingerprint)" ] &&
        httpd_answers
}

# Any HTTP answer will do: the module has its own way to say that it is not well. The certificate may
# be anybody's (ACME) and is not asked.
httpd_answers()
{
    curl --silent --show-error --output /dev/null --max-time 5 --insecure --noproxy '*' \
        --connect-to "::$(connect_host):$port" "https://localhost:$port/" \
        2> "$data/log/answer.log"
}

connect_host()
{
    case $listen in
        localhost | '*' | 0.0.0.0 | ::) echo localhost ;;
        *:*) echo "[$listen]" ;;
        *) echo "$listen" ;;
    esac
}

launch_httpd()
{
    stop_httpd
    rotate "$data/log/error.log"
    rotate "$data/log/access.log"
    rm -f "$data/run/httpd.stamp"
    ulimit -c 0
    ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
    cd /
    # shellcheck disable=SC2086  # a list: NAME=VALUE, without blanks in it
    env -u KANZLEI_OWNER_DATABASE ${KANZLEI_HTTPD_ENVIRONMENT:-} TMPDIR="$data/tmp" \
        /usr/sbin/apache2 "${httpd_flags[@]}" -f "$data/conf/httpd.conf" -k start \
        9>&- > "$data/log/httpd-start.log" 2>&1 ||
        { show_httpd_log; die "httpd did not start."; }
}

show_httpd_log()
{
    tail -n 10 "$data/log/httpd-start.log" "$data/log/error.log" >&2 2>/dev/null
}

# A log that has grown over the limit becomes the old one.
rotate()
{
    if [ -e "$1" ] && [ "$(stat -c %s "$1")" -gt "$log_limit" ]; then
        mv -f "$1" "$1.1"
    fi
}

need_httpd()
{
    local turn

    ! httpd_up_to_date || return 0
    say "Starting httpd …"
    launch_httpd
    for ((turn = 0; turn < 100; turn++)); do
        if httpd_answers; then
            httpd_fingerprint > "$data/run/httpd.stamp"
            return 0
        fi
        sleep 0.1
    done
    show_httpd_log
    die "httpd was started but does not answer: $(cat "$data/log/answer.log")"
}
