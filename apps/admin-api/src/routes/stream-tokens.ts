import { z } from 'zod';
import type { StreamTokens } from '../auth/stream-token.ts';
import { describeOperation, type Operation } from '../http/operation.ts';

const tokenSchema = z
  .strictObject({
    token: z.string().describe('For `GET /v1/stream?token=…`.'),
    expiresAt: z.iso.datetime().describe('Until when it opens a stream: a minute. An open stream goes on.'),
  })
  .meta({ id: 'StreamToken' });

export function createStreamToken({ streamTokens }: { streamTokens: StreamTokens }): Operation {
  return describeOperation({
    name: 'createStreamToken',
    method: 'post',
    path: '/stream-tokens',
    scope: 'read',
    summary:
      "Make a token that opens the stream for a minute, and nothing else: for a browser's EventSource, which can send no header. It ends with the key that it was made with, and so do the streams it opened.",
    answer: { status: 201, schema: tokenSchema },
    async handle({ caller }) {
      const { token, expiresAt } = streamTokens.issue(caller);
      return { body: { token, expiresAt: expiresAt.toISOString() } };
    },
  });
}
