# shellcheck shell=bash
# Installs packages for tests/run: Debian's (as root, or by sudo), Python's in tests/.venv, npm's in
# tests/.npm.

# Prints the names in the package lists FILE…; absent files and comments count as empty.
packages_of()
{
    local file

    for file in "$@"; do
        [ ! -f "$file" ] || sed 's/#.*//' "$file" | tr -s '[:space:]' '\n' | sed '/^$/d'
    done | sort -u
}

# Prints those of NAME… that are neither installed nor provided by an installed package.
missing_of()
{
    [ $# -gt 0 ] || return 0
    printf '%s\n' "$@" | awk '
        NR == FNR {
            if (sub(/^installed\t/, "")) {
                gsub(/\([^)]*\)|,/, " ")
                for (i = 1; i <= NF; i++) have[$i] = 1
            }
            next
        }
        !($1 in have)' <(dpkg-query -W -f '${db:Status-Status}\t${Package}\t${Provides}\n') -
}

as_root()
{
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs the missing packages of the lists FILE…. Names that this Debian release doesn't have are left
# out with a message: whatever needs them reports it. PostgreSQL's package makes no cluster.
install_packages()
{
    local drop_in=/etc/postgresql-common/createcluster.d/kanzleipost-tests.conf
    local names=() wanted=() name known

    mapfile -t names < <(packages_of "$@")
    mapfile -t names < <(missing_of "${names[@]}")
    [ ${#names[@]} -gt 0 ] || return 0
    as_root apt-get -qq update || return 1
    for name in "${names[@]}"; do
        known=$(apt-cache policy "$name" 2>/dev/null)
        if [[ $known =~ Candidate:\ [^\(] ]]; then
            wanted+=("$name")
        else
            echo "tests/run: this Debian has no package $name" >&2
        fi
    done
    [ ${#wanted[@]} -gt 0 ] || return 0
    # shellcheck disable=SC2016  # expanded by the inner shell, as root
    as_root env DEBIAN_FRONTEND=noninteractive DROP_IN="$drop_in" sh -c '
        trap "rm -f $DROP_IN" EXIT
        mkdir -p "${DROP_IN%/*}"
        echo "create_main_cluster = false" > "$DROP_IN"
        apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends install "$@"' sh "${wanted[@]}"
}

# Makes the virtual environment FOLDER as FILE says, unless it is made already.
install_python()
{
    local venv=$1 file=$2 python=/usr/bin/python3 stamp

    [ -x "$python" ] || python=python3
    stamp="$("$python" --version) $(sha256sum < "$file")"
    [ "$(cat "$venv/.made" 2>/dev/null)" != "$stamp" ] || return 0
    rm -rf "$venv"
    "$python" -m venv "$venv" || return 1
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$file" || return 1
    printf '%s\n' "$stamp" > "$venv/.made"
}

# Makes FOLDER/node_modules as the lock file of the folder FROM says, unless it is made already.
install_node()
{
    local folder=$1 from=$2 stamp

    stamp=$(sha256sum < "$from/package-lock.json")
    [ "$(cat "$folder/.made" 2>/dev/null)" != "$stamp" ] || return 0
    rm -rf "$folder"
    mkdir -p "$folder" && cp "$from/package.json" "$from/package-lock.json" "$folder" || return 1
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund) || return 1
    printf '%s\n' "$stamp" > "$folder/.made"
}
