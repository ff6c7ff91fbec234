/** What a caller may be allowed to do. Each operation needs one of these. */
export const scopes = ['read', 'transfers:create', 'transfers:approve', 'transfers:resolve', 'control', 'keys', 'audit'] as const;
export type Scope = (typeof scopes)[number];
