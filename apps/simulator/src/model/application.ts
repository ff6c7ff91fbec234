import { createHash } from 'node:crypto';
import * as z from 'zod';
import { allWallets, openWallet, type Wallet, WalletSpecSchema } from './wallets.ts';

/** `kpay_test_…` makes a TEST application, `kpay_live_…` a PRODUCTION one. */
export const ApiKeySchema = z.string().regex(/^kpay_(test|live)_\S+$/, 'expected kpay_test_… or kpay_live_…');

/** What a test or a person says about an application; ids and names that are left out are made from the key. */
export const ApplicationSpecSchema = z.strictObject({
  /** `kpay_test_…` makes a TEST application, `kpay_live_…` a PRODUCTION one. */
  apiKey: ApiKeySchema,
  /** Any text that is not empty. */
  secretKey: z.string().min(1),
  /** The application's UUID, which transfers take as `applicationId`. */
  id: z.uuid().optional(),
  /** The application's name, as `me` shows it. */
  name: z.string().min(1).optional(),
  /** The UUID of the company, which is never an `applicationId`. */
  companyId: z.uuid().optional(),
  /** The company's name, as `me` shows it. */
  companyName: z.string().min(1).optional(),
  /** Requests a window for this key; the simulator's own limit unless given. */
  limit: z.int().positive().optional(),
  /** All twelve countries with plenty of money unless given. */
  wallets: z.array(WalletSpecSchema).optional(),
});
/** An application with keys, ids, wallets and a limit of its own. */
export type ApplicationSpec = z.input<typeof ApplicationSpecSchema>;

/**
 * Why an externalId cannot be used: an active transfer holds it, a call that has not ended yet does, or KPay burnt it
 * without a transfer.
 */
export type HeldId = 'active' | 'running' | 'burnt';

export interface Application {
  apiKey: string;
  secretKey: string;
  id: string;
  name: string;
  company: { id: string; name: string };
  environment: 'TEST' | 'PRODUCTION';
  limit: number | undefined;
  wallets: Wallet[];
  heldIds: Map<string, HeldId>;
}

/** The API key of the application that is always there. */
export const simulatorApiKey = 'kpay_test_simulator';
/** Its secret key. It protects nothing: no real money is behind it. */
export const simulatorSecretKey = 'simulator-secret';
/** Its id, which transfers take as `applicationId`. */
export const simulatorApplicationId = '5b1a2c7e-3f7a-4c59-9a42-6d0c1f5e8b11';

/** The application everybody finds. Its keys and ids never change: other ledgers pin them. */
export const simulatorApplication: ApplicationSpec = {
  apiKey: simulatorApiKey,
  secretKey: simulatorSecretKey,
  id: simulatorApplicationId,
  name: 'Simulator application',
  companyId: 'c0a8e1d4-92b6-4f0e-8d3b-7a41f2c69e55',
  companyName: 'Simulator company',
};

export function openApplication(spec: ApplicationSpec): Application {
  const wallets = spec.wallets ?? allWallets();
  return {
    apiKey: spec.apiKey,
    secretKey: spec.secretKey,
    id: spec.id ?? uuidFrom(`application ${spec.apiKey}`),
    name: spec.name ?? spec.apiKey,
    company: {
      id: spec.companyId ?? uuidFrom(`company ${spec.apiKey}`),
      name: spec.companyName ?? `${spec.name ?? spec.apiKey} company`,
    },
    environment: spec.apiKey.startsWith('kpay_live_') ? 'PRODUCTION' : 'TEST',
    limit: spec.limit,
    wallets: wallets.map(openWallet),
    heldIds: new Map(),
  };
}

/** A UUID that is the same for the same text, in every run. */
export function uuidFrom(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
