/** The documented sandbox number of each country, whose payments complete (docs). No number of a person. */
export const sandboxNumbers: Readonly<Record<string, string>> = {
  BEN: '22951345789',
  CMR: '237653456789',
  CIV: '2250503456789',
  COD: '243813456789',
  GAB: '24174345678',
  KEN: '254703456789',
  COG: '242053456789',
  RWA: '250733456789',
  SEN: '221763456789',
  SLE: '23276123456',
  UGA: '256753456789',
  ZMB: '260973456789',
};

/** The numbers that KPay's page gives as samples of a format (page). */
export const pageSamples: Readonly<Record<string, string>> = { CMR: '237670000001', ZMB: '260763456789' };
