# shellcheck shell=bash
# A certification authority of the installation's own, made once, and the server's certificate, made
# again when it is about to expire or when the names change.

make_authority()
{
    local tls=$data/tls

    [ ! -e "$tls/ca.crt" ] || return 0
    rm -f "$tls/ca.key"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -sha256 -days 3650 \
        -keyout "$tls/ca.key" -out "$tls/ca.new" -subj "/O=Kanzleipost/CN=Kanzleipost $(hostname)" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" 2> "$data/log/openssl.log" ||
        die "The certification authority could not be made; see $data/log/openssl.log."
    chmod 0644 "$tls/ca.new"
    mv "$tls/ca.new" "$tls/ca.crt"
}

# subjectAltName for all names under which the portal is reached.
alternative_names()
{
    local name list=DNS:localhost,IP:127.0.0.1,IP:::1

    for name in "$@"; do
        case $name in
            '' | localhost | 127.0.0.1 | ::1 | 0.0.0.0 | ::) ;;
            *[!0-9.]*[!0-9a-fA-F:]* | *[g-zG-Z]*) list=$list,DNS:$name ;;
            *[.:]*) list=$list,IP:$name ;;
            *) list=$list,DNS:$name ;;
        esac
    done
    printf '%s\n' "$list"
}

certificate_fits()
{
    [ -e "$data/tls/server.crt" ] && [ "$(cat "$data/tls/names" 2>/dev/null)" = "$1" ] &&
        openssl verify -CAfile "$data/tls/ca.crt" "$data/tls/server.crt" > /dev/null 2>&1 &&
        openssl x509 -in "$data/tls/server.crt" -noout -checkend 2592000 > /dev/null
}

# 397 days: what browsers take from anybody. The chain goes into the same file.
make_certificate()
{
    local tls=$data/tls names

    names=$(alternative_names "$@")
    ! certificate_fits "$names" || return 0
    rm -f "$tls/names"
    {
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -sha256 \
            -keyout "$tls/key.new" -out "$tls/request" -subj "/O=Kanzleipost/CN=localhost" &&
            printf '%s\n' "subjectAltName=$names" "basicConstraints=critical,CA:FALSE" \
                "keyUsage=critical,digitalSignature" "extendedKeyUsage=serverAuth" \
                "authorityKeyIdentifier=keyid" > "$tls/extensions" &&
            openssl x509 -req -in "$tls/request" -CA "$tls/ca.crt" -CAkey "$tls/ca.key" \
                -set_serial "0x$(openssl rand -hex 16)" -days 397 -sha256 \
                -extfile "$tls/extensions" -out "$tls/crt.new"
    } 2> "$data/log/openssl.log" ||
        die "The server's certificate could not be made; see $data/log/openssl.log."
    cat "$tls/ca.crt" >> "$tls/crt.new"
    mv "$tls/key.new" "$tls/server.key"
    mv "$tls/crt.new" "$tls/server.crt"
    rm -f "$tls/request" "$tls/extensions"
    printf '%s\n' "$names" > "$tls/names"
}

need_tls()
{
    make_authority
    make_certificate "$@"
}
