# Completion of kanzleictl for bash: commands and options, as "kanzleictl help" lists them.
_kanzleictl()
{
    local current=${COMP_WORDS[COMP_CWORD]} words
    case ${COMP_WORDS[COMP_CWORD - 1]} in
        firm) words='create list' ;;
        staff) words='create' ;;
        account) words='list password unlock' ;;
        --config | --sql) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
        --language) words='de en' ;;
        --right) words='admin all clients unlock release' ;;
        *) words='migrate firm staff account check status help --config --json --help --database --sql
            --firm --user --name --email --language --admin --right --password-stdin --invite' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _kanzleictl kanzleictl
