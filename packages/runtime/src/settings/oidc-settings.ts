import { z } from 'zod';
import { addressSchema, listSchema } from './setting-values.ts';

/** Whose tokens the admin API accepts, and what they allow. */
export interface OidcSettings {
  /** The issuer's address, exactly as in the tokens' `iss`. */
  issuer: string;
  /** The audience that the tokens' `aud` must contain. */
  audience: string;
  /** Where the issuer's keys are; by default its discovery document says it. */
  jwksUrl?: string;
  /** The claim that holds what a token allows: a list, or text separated by blanks. */
  scopesClaim: string;
  /** What each value of that claim allows. By default the values are the names of our scopes. */
  scopes?: readonly { claimed: string; scope: string }[];
  /**
   * The claim that holds the accounts a token reaches: a list, or text separated by blanks; `*` is all. By default each
   * token reaches all.
   */
  accountsClaim?: string;
  /** How many days a key made by a token may live; by default not longer than the token. */
  keyDays?: number;
}

const EXAMPLE = 'must be like treasury.pay=transfers:create,treasury.read=read';

export const oidcVariables = {
  KPAY_OIDC_ISSUER: z
    .url({ protocol: /^https?$/, error: 'must be an address such as https://id.example.org' })
    .optional()
    .describe('Take bearer tokens of this issuer too ([access.md](access.md)).'),
  KPAY_OIDC_AUDIENCE: z.string().optional().describe('The audience that those tokens must name.'),
  KPAY_OIDC_JWKS_URL: addressSchema('https://id.example.org/keys')
    .optional()
    .describe("Where the issuer's keys are. Unset: from its discovery document."),
  KPAY_OIDC_SCOPES_CLAIM: z.string().default('scope').describe('The claim that holds the scopes of a token.'),
  KPAY_OIDC_ACCOUNTS_CLAIM: z.string().optional().describe('The claim that holds the accounts a token reaches. Unset: all.'),
  KPAY_OIDC_KEY_DAYS: z
    .string()
    .regex(/^[1-9]\d{0,3}$/, 'must be a number of days from 1 to 9999')
    .transform(Number)
    .optional()
    .describe('How many days a key may live that a token made. Unset: not longer than the token.'),
  KPAY_OIDC_SCOPES: listSchema(
    z
      .string()
      .regex(/^[^=\s]+=[a-z:]+$/, EXAMPLE)
      .transform((each) => ({ claimed: each.slice(0, each.indexOf('=')), scope: each.slice(each.indexOf('=') + 1) })),
  )
    .optional()
    .describe('Which scope each value of the claim allows: `treasury.read=read,treasury.pay=transfers:create`.'),
};
