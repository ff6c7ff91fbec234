import { describe, expect, it } from 'vitest';
import { type Command, defineCommand } from './command.ts';
import { Failure } from './failure.ts';
import { parseArguments } from './parse-arguments.ts';

const text = { en: 'x', fr: 'x' };
const command: Command = defineCommand({
  name: 'thing do',
  section: 'transfers',
  summary: text,
  json: text,
  csv: true,
  arguments: { id: { required: true, summary: text } },
  options: {
    externalId: { type: 'text', summary: text },
    state: { type: 'text', choices: ['on', 'off'], summary: text },
    label: { type: 'list', summary: text },
    yes: { type: 'flag', summary: text },
  },
  run: async () => undefined,
});

describe('the words after a command', () => {
  it('are read by its description', () => {
    const words = ['a-1', '--external-id', '-7', '--label', 'a=b', '--label=c', '--yes', '--state', 'on'];
    expect(parseArguments(command, words)).toMatchObject({
      arguments: { id: 'a-1' },
      options: { externalId: '-7', label: ['a=b', 'c'], yes: true, state: 'on', json: false, csv: false },
    });
    expect(parseArguments(command, ['--', '--yes'])).toMatchObject({ arguments: { id: '--yes' }, options: { yes: false } });
  });

  it.each([
    [['--exernal-id', 'a'], /has no option --exernal-id; did you mean --external-id\?/],
    [['--state', 'sleepy'], /--state must be one of on, off/],
    [['--state', 'on', '--state', 'off'], /--state is given twice/],
    [['--external-id'], /--external-id needs a value/],
    [['--external-id='], /--external-id needs a value/],
    [['--yes=no'], /--yes takes no value/],
    [['a', 'b'], /takes 1 argument$/],
    [['a', '000'], /put an amount with spaces in quotes/],
    [['-x'], /has no option -x/],
    [['--json', '--csv'], /choose --json or --csv/],
  ])('%j are refused, and the word that is wrong is named', (words, why) => {
    const refused = () => parseArguments(command, words);
    expect(refused).toThrow(why);
    expect(refused).toThrow(expect.objectContaining({ code: 2 }));
  });

  it.each(['--key', '--token', '--api-key', '--secret'])('%s is refused without its value being told again', (flag) => {
    const words = ['a', flag, 'kops_secret'];
    expect(() => parseArguments(command, words)).toThrow(Failure);
    expect(() => parseArguments(command, words)).toThrow(/^a key never goes on the command line(?!.*kops_secret)/);
    expect(() => parseArguments(command, ['a', `${flag}=kops_secret`])).toThrow(/^a key never(?!.*kops_secret)/);
  });
});
