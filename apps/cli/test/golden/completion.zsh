#compdef kpay
# zsh completion of kpay. In ~/.zshrc: source <(kpay completion zsh)
_kpay() {
  local -a words_of_group
  if (( CURRENT == 2 )); then
    words_of_group=('transfer:' 'completion:write the completion script of a shell' 'login:keep the address and the key of an API as a profile' 'profiles:list the profiles; no key is shown')
    _describe command words_of_group
    return
  fi
  local name=${words[2]}
  case "$name" in
    transfer)
      if (( CURRENT == 3 )); then words_of_group=('list:list transfers, the newest first' 'show:show a transfer'); _describe command words_of_group; fi
      [[ -n ${words[3]} && ${words[3]} != -* ]] && name="$name ${words[3]}" ;;
    profiles)
      if (( CURRENT == 3 )); then words_of_group=('remove:forget a profile and its key' 'use:use a profile from now on'); _describe command words_of_group; fi
      [[ -n ${words[3]} && ${words[3]} != -* ]] && name="$name ${words[3]}" ;;
  esac
  local skip=1
  [[ $name == *' '* ]] && skip=2
  words=(kpay "${(@)words[$((skip + 2)),-1]}")
  (( CURRENT -= skip ))
  case "$name" in
    'transfer list') _arguments '--state[only those in this state]:state:(awaiting_approval queued holding submitting unconfirmed review succeeded failed rejected cancelled expired)' '--account[only those of this account]:name:_files' '--corridor[only those of this corridor]:CMR-GAB:_files' '--external-id[only the one with this external id]:id:_files' '--reason[only those with this text in their reason]:text:_files' '--min-amount[at least this amount]:amount:_files' '--max-amount[at most this amount]:amount:_files' '--from[accepted at this ISO 8601 time or later]:time:_files' '--to[accepted before this ISO 8601 time]:time:_files' '--limit[how many at most]:number:_files' '--all[all of them, page by page]' '--json[write JSON]' '--csv[write CSV]' '--profile[the profile to use (kpay profiles)]:name:_files' '--url[the API'\''s address]:url:_files' '--key-file[read the key from this file; - is standard input]:file:_files' '--help[show this help]' ;;
    'transfer show') _arguments ':id:' '--json[write JSON]' '--profile[the profile to use (kpay profiles)]:name:_files' '--url[the API'\''s address]:url:_files' '--key-file[read the key from this file; - is standard input]:file:_files' '--help[show this help]' ;;
    'completion') _arguments ':shell:(bash zsh fish)' '--help[show this help]' ;;
    'login') _arguments '--name[the name of the profile]:name:_files' '--url[the API'\''s address]:url:_files' '--key-file[read the key from this file; - is standard input]:file:_files' '--help[show this help]' ;;
    'profiles') _arguments '--json[write JSON]' '--help[show this help]' ;;
    'profiles remove') _arguments ':name:' '--help[show this help]' ;;
    'profiles use') _arguments ':name:' '--help[show this help]' ;;
  esac
}
compdef _kpay kpay
