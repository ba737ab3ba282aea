# shellcheck shell=bash
# From the checkout to the program in the data folder: configure, make, make install, by turns.

# The build lies in the checkout, where "make" finds it again; elsewhere if that can't be written to.
build_folder()
{
    if [ -n "${KANZLEI_BUILD:-}" ]; then
        printf '%s\n' "$KANZLEI_BUILD"
    elif [ -w "$source_root" ]; then
        printf '%s\n' "$source_root/build/appliance"
    else
        printf '%s\n' "$data/build"
    fi
}

# Debian's own tools, not what a user's PATH may put before them (an npm or python3 of her own).
build_environment()
{
    env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

build_all()
{
    [ -e Makefile ] || build_environment "$source_root/configure" || return 1
    build_environment make -j "$(nproc)"
}

# Builds in $build; the output goes to a log, of which the end is shown when it fails.
build_program()
{
    local log

    mkdir -p "$build"
    log=$build/appliance.log
    [ -e "$build/build/mod_kanzlei.so" ] || say "Building …"
    exec 8< "$build"
    flock -w 600 8 || die "Another build is at work in $build."
    (cd "$build" && build_all) > "$log" 2>&1 8>&- || {
        tail -n 20 "$log" >&2
        die "The build failed; all of it is in $log."
    }
}

# Is what was installed into program/current older than the build, the SQL or these scripts?
program_outdated()
{
    [ -e "$data/program/current/installed" ] || return 0
    [ "$(cat "$data/program/current/installed")" = "$build" ] || return 0
    [ -n "$(find "$build/build/mod_kanzlei.so" "$build/build/kanzleictl" \
        "$build/build/kanzlei-scand" "$build/build/html/openapi.json" "$source_root/sql" "$here" \
        -newer "$data/program/current/installed" -print -quit 2>/dev/null)" ]
}

# Installs into a new folder and then points program/current to it: a running httpd keeps the old one.
install_program()
{
    local number=1 entry new

    program_outdated || return 0
    say "Installing into $data/program …"
    for entry in "$data"/program/[0-9]*; do
        [ ! -d "$entry" ] || [ "${entry##*/}" -lt "$number" ] || number=$((${entry##*/} + 1))
    done
    new=$data/program/$number
    mkdir -p "$new/usr/share/kanzleipost"
    [ -n "${KANZLEI_INFRASTRUCTURE_ONLY:-}" ] || (cd "$build" && build_environment make install DESTDIR="$new") > "$build/install.log" 2>&1 ||
        { tail -n 5 "$build/install.log" >&2; die "Installing failed."; }
    cp -R "$here" "$new/usr/share/kanzleipost/appliance"
    chmod -R u=rwX,go=rX "$new"
    printf '%s\n' "$build" > "$new/installed"
    ln -sfn "$number" "$data/program/next"
    mv -T "$data/program/next" "$data/program/current"
    remove_old_programs "$number"
}

# The newest two stay: the second is what a running httpd may still use until it is restarted.
remove_old_programs()
{
    local entry

    for entry in "$data"/program/[0-9]*; do
        [ "${entry##*/}" -ge $(($1 - 1)) ] || rm -rf "$entry"
    done
}
