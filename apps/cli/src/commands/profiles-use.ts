import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { readProfiles, requireProfile, writeProfiles } from '../profiles/profiles.ts';

export const command = defineCommand({
  name: 'profiles use',
  section: 'setup',
  summary: { en: 'use a profile from now on', fr: 'utiliser un profil désormais' },
  arguments: { name: { required: true, summary: { en: 'its name', fr: 'son nom' } } },
  exits: [exitCodes.notFound],
  async run({ arguments: { name }, cli: { env, io } }) {
    const { profiles } = readProfiles(env);
    requireProfile(profiles, name);
    writeProfiles(env, { current: name, profiles });
    io.tell(io.text({ en: `Profile ${name} is used from now on.`, fr: `Le profil ${name} est utilisé désormais.` }));
    return exitCodes.done;
  },
});
