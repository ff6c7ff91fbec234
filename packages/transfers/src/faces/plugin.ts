// What a plugin needs: see docs/plugins.md.

export type { TransferRow } from '@kpay/ledger';
export type { CheckContext, CheckVerdict } from '../checks/check.ts';
export {
  BUILT_IN,
  type CheckedTransfer,
  type Collector,
  type CollectorAccount,
  definePlugin,
  type Plugin,
  type PluginCheck,
  type Route,
  type RouteCall,
  type SeenOfKpay,
  type Sink,
  type SinkEvent,
} from '../plugins/plugin.ts';
