import { GenericContainer, getContainerRuntimeClient } from 'testcontainers';
import { eventually } from './eventually.ts';
import { type OwnServer, type Unavailable, unavailable } from './own-server.ts';

export interface ContainerOptions {
  image: string;
  /** Replaces the image's entry point; `command` is passed to it. */
  entrypoint?: readonly string[];
  command: readonly string[];
  environment?: Record<string, string>;
  user?: string;
  port: number;
  url: string;
  /** Rejects until the server is ready. */
  ask(): Promise<unknown>;
}

const READY_WITHIN_MS = 60_000;
/** The seconds that it has for an orderly end. */
const END_WITHIN_S = 20;

/**
 * Runs a server in a container until it is stopped. It uses this machine's network, so that servers find each other
 * under the address that everybody uses: 127.0.0.1.
 */
export async function runInContainer(options: ContainerOptions): Promise<OwnServer | Unavailable> {
  const engine = await getContainerRuntimeClient().catch(() => undefined);
  if (!engine) return unavailable('no Docker engine answers');
  const { image, entrypoint, command, environment = {}, user, port, url, ask } = options;
  const asked = new GenericContainer(image)
    .withNetworkMode('host')
    .withCommand([...command])
    .withEnvironment(environment);
  if (entrypoint) asked.withEntrypoint([...entrypoint]);
  if (user !== undefined) asked.withUser(user);
  const started = await asked.start();
  const container = engine.container.getById(started.getId());
  let pid = 0;
  let isGone = false;

  const ready = async () => {
    await eventually(
      async () => {
        const { State: state } = await container.inspect();
        if (state.Running) await ask();
      },
      { timeoutMs: READY_WITHIN_MS },
    );
    const { State: state } = await container.inspect();
    if (!state.Running) throw new Error(`the container of ${image} has ended: ${await lastWords()}`);
    pid = state.Pid;
  };
  const lastWords = async () => String(await container.logs({ stdout: true, stderr: true, tail: 20 }));
  const resume = async () => {
    if ((await container.inspect()).State.Paused) await container.unpause();
  };
  const stop = async () => {
    if (isGone) return;
    isGone = true;
    await resume();
    await started.stop({ timeout: END_WITHIN_S * 1_000 });
  };
  try {
    await ready();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    port,
    get pid() {
      return pid;
    },
    pause: async () => void (await container.pause()),
    resume,
    async restart() {
      await resume();
      await container.restart({ t: END_WITHIN_S });
      await ready();
    },
    async kill() {
      await resume();
      const { State: state } = await container.inspect();
      if (!state.Running) return;
      const ended = container.wait();
      await container.kill({ signal: 'SIGKILL' });
      await ended;
    },
    stop,
  };
}
