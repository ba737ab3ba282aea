# shellcheck shell=bash
# Debian packages and the system user: the only things that start needs root for.

# Those of appliance/packages that are not installed, one a line. A package that another one provides
# counts as installed (some vendors' nodejs provides npm).
missing_packages()
{
    dpkg-query -W -f '${db:Status-Status}\t${Package}\t${Provides}\n' 2>/dev/null |
        awk -v list="$here/packages" '
            $1 == "installed" {
                sub(/^[^\t]*\t/, "")
                gsub(/\([^)]*\)|,/, " ")
                for (i = 1; i <= split($0, names, /[ \t]+/); i++) have[names[i]] = 1
            }
            END {
                while ((getline name < list) > 0)
                    if (name !~ /^(#|$)/ && !(name in have)) print name
            }'
}

# Runs apt-get as root: directly, by sudo without a password, or by sudo after saying why it asks.
as_root()
{
    if is_root; then
        "$@"
    elif sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        say "sudo asks for your password now: only to install these Debian packages."
        sudo "$@"
    fi
}

need_root_for_packages()
{
    is_root && return 0
    command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; } && return 0
    die "These Debian packages are missing and you may not install them. As root:" \
        "apt-get install --no-install-recommends $*"
}

# PostgreSQL's package would make and start a cluster of its own ("main"); ours is in the data folder.
# So the setting is there while it is installed, and only then: what the host does later is its own.
install_packages()
{
    local missing=("$@") log drop_in=/etc/postgresql-common/createcluster.d/kanzleipost.conf

    log=$(mktemp)
    say "Installing ${#missing[@]} Debian packages and what they need …"
    # shellcheck disable=SC2016  # expanded by the inner shell, as root
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 UCF_FORCE_CONFFOLD=1 \
        DROP_IN="$drop_in" sh -c '
            set -eu
            get="apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends --no-upgrade"
            apt-get -q update
            trap "rm -f $DROP_IN; rmdir --ignore-fail-on-non-empty ${DROP_IN%/*}" EXIT
            mkdir -p "${DROP_IN%/*}"
            echo "create_main_cluster = false" > "$DROP_IN"
            $get install "$@"' sh "${missing[@]}" > "$log" 2>&1 ||
        { tail -n 15 "$log" >&2; die "The packages could not be installed; all of it is in $log."; }
    rm -f "$log"
}

# As root, everything runs as system users: PostgreSQL refuses root, and httpd needs nothing of it.
need_system_users()
{
    local user

    for user in "$service_user" "$scanner_user" "$database_user"; do
        getent passwd "$user" >/dev/null && continue
        useradd --system --user-group --no-create-home --home-dir /nonexistent \
            --shell /usr/sbin/nologin --comment Kanzleipost "$user" ||
            die "The system user $user could not be made."
    done
}
