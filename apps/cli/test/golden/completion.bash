# bash completion of kpay. In ~/.bashrc: source <(kpay completion bash)
_kpay() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words='' command='' first=${COMP_WORDS[1]} second=${COMP_WORDS[2]}
  (( COMP_CWORD == 1 )) && first=''
  (( COMP_CWORD <= 2 )) && second=''
  command=$first
  case "$first $second" in
    'batch import') command='batch import' ;;
    'transfer cancel') command='transfer cancel' ;;
    'transfer create') command='transfer create' ;;
    'transfer explain') command='transfer explain' ;;
    'transfer list') command='transfer list' ;;
    'transfer replay') command='transfer replay' ;;
    'transfer resolve') command='transfer resolve' ;;
    'transfer show') command='transfer show' ;;
    'transfer watch') command='transfer watch' ;;
    'keys create') command='keys create' ;;
    'keys revoke') command='keys revoke' ;;
    'profiles remove') command='profiles remove' ;;
    'profiles use') command='profiles use' ;;
  esac
  case "$command $before" in
    'transfer create --on-insufficient-funds') words='hold fail' ;;
    'transfer list --state') words='awaiting_approval queued holding submitting unconfirmed review succeeded failed rejected cancelled expired' ;;
    'transfer resolve --as') words='happened not-happened send-again unchanged' ;;
    'keys create --scope') words='read transfers:create transfers:approve transfers:resolve control keys audit' ;;
  esac
  if [[ -z $words && $current != -* ]]; then
    if [[ $command == "$first" ]] && (( COMP_CWORD <= 2 )); then
      case "$first" in
    '') words='batch transfer availability balances predict quote rates keys open pause pauses resume status completion login profiles' ;;
    'batch') words='import' ;;
    'transfer') words='cancel create explain list replay resolve show watch' ;;
    'keys') words='create revoke' ;;
    'profiles') words='remove use' ;;
      esac
    fi
  fi
  if [[ -z $words ]]; then
    case "$command" in
    'batch import') words='--account --dry-run --yes --json --csv --profile --url --key-file --help' ;;
    'transfer cancel') words='--reason --json --profile --url --key-file --help' ;;
    'transfer create') words='--from --to --amount --external-id --account --min-rate --quote --description --metadata --priority --not-before --expires-at --on-insufficient-funds --dry-run --wait --timeout --yes --json --profile --url --key-file --help' ;;
    'transfer explain') words='--json --profile --url --key-file --help' ;;
    'transfer list') words='--state --account --corridor --external-id --reason --min-amount --max-amount --from --to --limit --all --json --csv --profile --url --key-file --help' ;;
    'transfer replay') words='--external-id --wait --timeout --yes --json --profile --url --key-file --help' ;;
    'transfer resolve') words='--as --reason --evidence --yes --json --profile --url --key-file --help' ;;
    'transfer show') words='--json --profile --url --key-file --help' ;;
    'transfer watch') words='--timeout --json --profile --url --key-file --help' ;;
    'availability') words='--account --country --json --csv --profile --url --key-file --help' ;;
    'balances') words='--account --json --csv --profile --url --key-file --help' ;;
    'predict') words='--account --json --profile --url --key-file --help' ;;
    'quote') words='--from --to --amount --tolerance --account --json --profile --url --key-file --help' ;;
    'rates') words='--account --json --csv --profile --url --key-file --help' ;;
    'keys') words='--json --csv --profile --url --key-file --help' ;;
    'keys create') words='--name --owner --scope --account --may-make-for --address-range --spend-limit --requests-per-minute --expires-at --json --profile --url --key-file --help' ;;
    'keys revoke') words='--yes --json --profile --url --key-file --help' ;;
    'open') words='--profile --url --key-file --help' ;;
    'pause') words='--all --account --corridor --reason --until --json --profile --url --key-file --help' ;;
    'pauses') words='--json --csv --profile --url --key-file --help' ;;
    'resume') words='--yes --json --profile --url --key-file --help' ;;
    'status') words='--json --profile --url --key-file --help' ;;
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
