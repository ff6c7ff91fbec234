import { z } from 'zod';
import type { StreamTokens } from '../auth/stream-token.ts';
import { describeOperation, type Operation } from '../http/operation.ts';

const tokenSchema = z
  .strictObject({
    token: z.string().describe('For `GET /v1/stream?token=…`.'),
    expiresAt: z.iso.datetime().describe('The time until which it opens a stream, in a minute. A stream that is open goes on.'),
  })
  .meta({ id: 'StreamToken' });

export function createStreamToken({ streamTokens }: { streamTokens: StreamTokens }): Operation {
  return describeOperation({
    name: 'createStreamToken',
    method: 'post',
    path: '/stream-tokens',
    scope: 'read',
    summary:
      "Make a token that opens only the stream, for a minute. It is for a browser's EventSource, which can send no header. It ends with the key that it was made with, and so do the streams that it opened.",
    answer: { status: 201, schema: tokenSchema },
    async handle({ caller }) {
      const { token, expiresAt } = streamTokens.issue(caller);
      return { body: { token, expiresAt: expiresAt.toISOString() } };
    },
  });
}
