import type { Language, Text } from '../framework/language.ts';

/** The countries that hold a wallet, as people call them. */
const NAMES: Readonly<Record<string, Text>> = {
  BEN: { en: 'Benin', fr: 'Bénin' },
  CIV: { en: "Côte d'Ivoire", fr: "Côte d'Ivoire" },
  CMR: { en: 'Cameroon', fr: 'Cameroun' },
  COD: { en: 'DR Congo', fr: 'RD Congo' },
  COG: { en: 'Congo', fr: 'Congo' },
  GAB: { en: 'Gabon', fr: 'Gabon' },
  KEN: { en: 'Kenya', fr: 'Kenya' },
  RWA: { en: 'Rwanda', fr: 'Rwanda' },
  SEN: { en: 'Senegal', fr: 'Sénégal' },
  SLE: { en: 'Sierra Leone', fr: 'Sierra Leone' },
  UGA: { en: 'Uganda', fr: 'Ouganda' },
  ZMB: { en: 'Zambia', fr: 'Zambie' },
};

/** A code without a name is its own name: new countries will appear. */
export function countryName(code: string, language: Language): string {
  return Object.hasOwn(NAMES, code) ? (NAMES[code]?.[language] ?? code) : code;
}

/** The code for a name in either language, in capital letters or small ones, with or without accents. */
export function countryOf(name: string): string | undefined {
  const plain = (text: string) => text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
  return Object.entries(NAMES).find(([, { en, fr }]) => [plain(en), plain(fr)].includes(plain(name)))?.[0];
}
