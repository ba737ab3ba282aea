# bash completion of kanzleictl. What there is to say is asked of the program itself.

_kanzleictl()
{
    local current=${COMP_WORDS[COMP_CWORD]} said

    said=$("$1" help --words "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2> /dev/null)
    case $said in
        FILE) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
        DIR) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
        *) mapfile -t COMPREPLY < <(compgen -W "$said" -- "$current") ;;
    esac
}

complete -F _kanzleictl kanzleictl
