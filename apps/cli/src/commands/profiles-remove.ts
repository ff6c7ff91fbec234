import { defineCommand } from '../framework/command.ts';
import { exitCodes } from '../framework/exit-codes.ts';
import { readProfiles, requireProfile, writeProfiles } from '../profiles/profiles.ts';

export const command = defineCommand({
  name: 'profiles remove',
  section: 'setup',
  summary: { en: 'forget a profile and its key', fr: 'oublier un profil et sa clé' },
  arguments: { name: { required: true, summary: { en: 'its name', fr: 'son nom' } } },
  exits: [exitCodes.notFound],
  async run({ arguments: { name }, cli: { env, io } }) {
    const { current, profiles } = readProfiles(env);
    requireProfile(profiles, name);
    const { [name]: _, ...others } = profiles;
    writeProfiles(env, { current: current === name ? null : current, profiles: others });
    io.tell(
      io.text({
        en: `Profile ${name} is gone from this machine; its key is good until it is revoked.`,
        fr: `Le profil ${name} n'est plus sur cette machine ; sa clé vaut jusqu'à sa révocation.`,
      }),
    );
    return exitCodes.done;
  },
});
