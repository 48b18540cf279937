import { afterEach, describe, expect, it, vi } from 'vitest';

import { renewOverHttp } from '../src/session/refresh.ts';

const answers: object[] = [];
const sent: unknown[] = [];
const renew = renewOverHttp({ url: 'http://127.0.0.1/graphql' });

afterEach(() => {
  answers.length = 0;
  sent.length = 0;
  vi.useRealTimers();
});

function answerWith(...bodies: object[]): void {
  answers.push(...bodies);
  vi.useFakeTimers();
  vi.stubGlobal('fetch', (_url: string, { body }: RequestInit) => {
    sent.push((JSON.parse(body as string) as { variables: unknown }).variables);
    return Promise.resolve(Response.json(answers.shift() ?? unavailable));
  });
}

const unavailable = { errors: [{ message: 'Later.', extensions: { code: 'UNAVAILABLE' } }] };
const tokens = { accessToken: 'a', expiresIn: 60, refreshToken: 'r', refreshExpiresAt: '2026-01-08T00:00:00.000Z' };
const renewed = { data: { refreshSession: { __typename: 'RefreshSessionPayload', tokens } } };

describe('renewOverHttp', () => {
  it('retries with the same token on UNAVAILABLE', async () => {
    answerWith(unavailable, renewed);
    const renewal = renew('refresh-1');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await renewal).toEqual({ type: 'renewed', tokens });
    expect(sent).toEqual([{ input: { refreshToken: 'refresh-1' } }, { input: { refreshToken: 'refresh-1' } }]);
  });

  it('rejects after three attempts', async () => {
    answerWith();
    const renewal = expect(renew(null)).rejects.toMatchObject({ failure: { code: 'UNAVAILABLE' } });
    await vi.advanceTimersByTimeAsync(60_000);
    await renewal;
    expect(sent).toHaveLength(3);
  });

  it('does not retry after a refusal', async () => {
    const refusal = { __typename: 'RefreshRejected', code: 'REFRESH_REJECTED', message: '', reason: 'REUSED' };
    answerWith({ data: { refreshSession: refusal } });
    expect(await renew('refresh-1')).toEqual({ type: 'ended', reason: 'REUSED' });
    expect(sent).toHaveLength(1);
  });
});
