// Run by a test: anything that this leaves open keeps the process alive.
import { openWorkerStage, order } from './worker-stage.ts';

const stage = await openWorkerStage();
await stage.result(await stage.add(order('only')));
await stage.close();
process.stdout.write('closed\n');
