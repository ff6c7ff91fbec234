// What a plugin needs: see docs/plugins.md.

export type { TransferRow } from '@kpay/ledger';
export type { Check, CheckContext, CheckVerdict } from '../checks/check.ts';
export {
  BUILT_IN,
  type Collector,
  type CollectorAccount,
  definePlugin,
  type Plugin,
  type Route,
  type RouteCall,
  type SeenOfKpay,
  type Sink,
  type SinkEvent,
} from '../plugins/plugin.ts';
