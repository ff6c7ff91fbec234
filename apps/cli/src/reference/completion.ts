import { type Command, flagOf, optionsOf } from '../framework/command.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** A script that completes commands, options and fixed values in a shell. It runs nothing and asks no API. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  return { bash, zsh, fish }[shell](commands);
}

/** The words that may follow some words: `''` and each first word of a name. */
function groupsOf(commands: readonly Command[]): Map<string, string[]> {
  const groups = new Map<string, Set<string>>([['', new Set()]]);
  for (const { name } of commands) {
    const [first = '', second] = name.split(' ');
    groups.get('')?.add(first);
    if (second !== undefined) groups.set(first, (groups.get(first) ?? new Set()).add(second));
  }
  return new Map([...groups].map(([word, next]) => [word, [...next]]));
}

function flagsOf(command: Command): string[] {
  return Object.keys(optionsOf(command)).map(flagOf);
}

/** Each option or argument with fixed values, as [the word before the value, its values]. */
function choicesOf(command: Command): [string, readonly string[]][] {
  return Object.entries(optionsOf(command)).flatMap(([name, { choices }]) => (choices ? [[flagOf(name), choices]] : []));
}

function argumentChoices(command: Command): readonly string[] {
  return Object.values(command.arguments ?? {})[0]?.choices ?? [];
}

function bash(commands: readonly Command[]): string {
  const groups = [...groupsOf(commands)].map(([word, next]) => `    '${word}') words='${next.join(' ')}' ;;`);
  const values = commands.flatMap((command) =>
    choicesOf(command).map(([flag, choices]) => `    '${command.name} ${flag}') words='${choices.join(' ')}' ;;`),
  );
  const options = commands.map(
    (command) => `    '${command.name}') words='${[...argumentChoices(command), ...flagsOf(command)].join(' ')}' ;;`,
  );
  return `# bash completion of kpay. In ~/.bashrc: source <(kpay completion bash)
_kpay() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} words='' command='' first=\${COMP_WORDS[1]} second=\${COMP_WORDS[2]}
  (( COMP_CWORD == 1 )) && first=''
  (( COMP_CWORD <= 2 )) && second=''
  command=$first
  case "$first $second" in
${commands
  .filter(({ name }) => name.includes(' '))
  .map(({ name }) => `    '${name}') command='${name}' ;;`)
  .join('\n')}
  esac
  case "$command $before" in
${values.join('\n')}
  esac
  if [[ -z $words && $current != -* ]]; then
    if [[ $command == "$first" ]] && (( COMP_CWORD <= 2 )); then
      case "$first" in
${groups.join('\n')}
      esac
    fi
  fi
  if [[ -z $words ]]; then
    case "$command" in
${options.join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _kpay kpay
`;
}

function zsh(commands: readonly Command[]): string {
  const quoted = (text: string) => text.replaceAll("'", "'\\''").replaceAll(/[[\]:]/g, '\\$&');
  const groups = groupsOf(commands);
  const cases = commands.map((command) => {
    const specs = Object.entries(optionsOf(command)).map(([name, { type, value = 'text', choices, summary }]) => {
      const takes = type === 'flag' ? '' : `:${value}:${choices ? `(${choices.join(' ')})` : '_files'}`;
      return `'${type === 'list' ? '*' : ''}${flagOf(name)}[${quoted(summary.en)}]${takes}'`;
    });
    const args = Object.entries(command.arguments ?? {}).map(
      ([name, { choices }]) => `':${name}:${choices ? `(${choices.join(' ')})` : ''}'`,
    );
    return `    '${command.name}') _arguments ${[...args, ...specs].join(' ')} ;;`;
  });
  const describe = (word: string) =>
    (groups.get(word) ?? []).map((next) => {
      const name = word === '' ? next : `${word} ${next}`;
      const summary = commands.find((command) => command.name === name)?.summary.en ?? '';
      return `'${next}:${quoted(summary)}'`;
    });
  const second = [...groups.keys()].filter((word) => word !== '');
  return `#compdef kpay
# zsh completion of kpay. In ~/.zshrc: source <(kpay completion zsh)
_kpay() {
  local -a words_of_group
  if (( CURRENT == 2 )); then
    words_of_group=(${describe('').join(' ')})
    _describe command words_of_group
    return
  fi
  local name=\${words[2]}
  case "$name" in
${second.map((word) => `    ${word})\n      if (( CURRENT == 3 )); then words_of_group=(${describe(word).join(' ')}); _describe command words_of_group; fi\n      [[ -n \${words[3]} && \${words[3]} != -* ]] && name="$name \${words[3]}" ;;`).join('\n')}
  esac
  local skip=1
  [[ $name == *' '* ]] && skip=2
  words=(kpay "\${(@)words[$((skip + 2)),-1]}")
  (( CURRENT -= skip ))
  case "$name" in
${cases.join('\n')}
  esac
}
compdef _kpay kpay
`;
}

function fish(commands: readonly Command[]): string {
  const quoted = (text: string) => text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  const groups = groupsOf(commands);
  const lines = ['# fish completion of kpay: kpay completion fish > ~/.config/fish/completions/kpay.fish', 'complete -c kpay -f'];
  for (const [word, next] of groups) {
    for (const each of next) {
      const name = word === '' ? each : `${word} ${each}`;
      const summary = commands.find((command) => command.name === name)?.summary.en ?? '';
      const when =
        word === ''
          ? '__fish_use_subcommand'
          : `__fish_seen_subcommand_from ${word}; and not __fish_seen_subcommand_from ${next.join(' ')}`;
      lines.push(`complete -c kpay -n '${when}' -a '${each}' -d '${quoted(summary)}'`);
    }
  }
  for (const command of commands) {
    const when = command.name
      .split(' ')
      .map((word) => `__fish_seen_subcommand_from ${word}`)
      .join('; and ');
    for (const [name, { type, choices, summary }] of Object.entries(optionsOf(command))) {
      const takes = type === 'flag' ? '' : ` -r${choices ? ` -a '${choices.join(' ')}'` : ''}`;
      lines.push(`complete -c kpay -n '${when}' -l '${flagOf(name).slice(2)}'${takes} -d '${quoted(summary.en)}'`);
    }
  }
  return `${lines.join('\n')}\n`;
}
