# shellcheck shell=bash
# The options that start and run have in common, and the settings that a data folder remembers.

data='' port='' http_port='' listen='' demonstration='' json=no foreground=no stage=all

parse_options()
{
    while [ $# -gt 0 ]; do
        case $1 in
            --port | --http-port | --listen | --data) need_value "$1" $# ;;
        esac
        case $1 in
            --port) need_number "$1" "$2"; port=$((10#$2)); shift ;;
            --http-port) need_number "$1" "$2"; http_port=$((10#$2)); shift ;;
            --listen) listen=$2; shift ;;
            --data) data=$2; shift ;;
            --empty) demonstration=no ;;
            --json) json=yes ;;
            --foreground) foreground=yes ;;
            --prepare | --prepared) stage=${1#--} ;;
            --help | -h) usage; exit 0 ;;
            *) usage >&2; die "Unknown option: $1" ;;
        esac
        shift
    done
    case $listen in
        *[!a-zA-Z0-9.:*_-]*) die "--listen needs an address or a host name, not \"$listen\"." ;;
    esac
    data=$(absolute "${data:-$(default_data)}") || exit 1
}

# What was not said now is as it was said last time. Whether there is a demonstration is decided by
# the first start: nobody's real firm gets a made-up neighbour because an option was forgotten.
complete_options()
{
    local before

    port=${port:-$(setting port)} port=${port:-8443}
    listen=${listen:-$(setting listen)} listen=${listen:-localhost}
    http_port=${http_port:-$(setting http_port)}
    KANZLEI_URL=${KANZLEI_URL:-$(setting url)}
    before=$(setting demonstration)
    demonstration=${before:-${demonstration:-yes}}
    [ "$port" != "$http_port" ] || die "--port and --http-port are the same."
}

write_settings()
{
    printf '%s\n' "port=$port" "http_port=$http_port" "listen=$listen" \
        "demonstration=$demonstration" "url=${KANZLEI_URL:-}" > "$data/conf/settings.new"
    mv "$data/conf/settings.new" "$data/conf/settings"
}
