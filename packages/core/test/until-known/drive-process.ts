import { drive } from './drive.ts';

// The process that the stage starts and kills.
await drive(JSON.parse(process.argv[2] ?? ''), () => process.send?.('ready'));
// The channel to the stage would keep it alive.
process.disconnect();
