# bash completion of kanzleictl. What there is to say is asked of the program itself.

_kanzleictl()
{
    local program=$1 current=${COMP_WORDS[COMP_CWORD]} i
    local -a words=()

    COMPREPLY=()
    case ${COMP_WORDS[COMP_CWORD - 1]} in
        --config)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return ;;
        --sql)
            mapfile -t COMPREPLY < <(compgen -d -- "$current")
            return ;;
        --language)
            mapfile -t COMPREPLY < <(compgen -W 'de en' -- "$current")
            return ;;
        --right)
            mapfile -t COMPREPLY < <(compgen -W 'admin clients release unlock all' -- "$current")
            return ;;
        --firm | --user | --name | --email | --database | --head)
            return ;;
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --config | --sql | --language | --right | --firm | --user | --name | --email | --database \
                | --head)
                i=$((i + 1)) ;;
            -* | help) ;;
            *) words+=("${COMP_WORDS[i]}") ;;
        esac
    done
    mapfile -t COMPREPLY < <(compgen -W "$("$program" help --words "${words[@]}" 2> /dev/null)" \
        -- "$current")
}

complete -F _kanzleictl kanzleictl
