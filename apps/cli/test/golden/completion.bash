# bash completion of kpay. In ~/.bashrc: source <(kpay completion bash)
_kpay() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words='' command='' first=${COMP_WORDS[1]} second=${COMP_WORDS[2]}
  (( COMP_CWORD == 1 )) && first=''
  (( COMP_CWORD <= 2 )) && second=''
  command=$first
  case "$first $second" in
    'transfer list') command='transfer list' ;;
    'transfer show') command='transfer show' ;;
    'profiles remove') command='profiles remove' ;;
    'profiles use') command='profiles use' ;;
  esac
  case "$command $before" in
    'transfer list --state') words='awaiting_approval queued holding submitting unconfirmed review succeeded failed rejected cancelled expired' ;;
  esac
  if [[ -z $words && $current != -* ]]; then
    if [[ $command == "$first" ]] && (( COMP_CWORD <= 2 )); then
      case "$first" in
    '') words='transfer completion login profiles' ;;
    'transfer') words='list show' ;;
    'profiles') words='remove use' ;;
      esac
    fi
  fi
  if [[ -z $words ]]; then
    case "$command" in
    'transfer list') words='--state --account --corridor --external-id --reason --min-amount --max-amount --from --to --limit --all --json --csv --profile --url --key-file --help' ;;
    'transfer show') words='--json --profile --url --key-file --help' ;;
    'completion') words='bash zsh fish --help' ;;
    'login') words='--name --url --key-file --help' ;;
    'profiles') words='--json --help' ;;
    'profiles remove') words='--help' ;;
    'profiles use') words='--help' ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _kpay kpay
