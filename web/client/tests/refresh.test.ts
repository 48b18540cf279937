import { afterEach, describe, expect, it, vi } from 'vitest';

import { renewOverHttp } from '../src/session/refresh.ts';

const answers: object[] = [];
const asked: unknown[] = [];
const renew = renewOverHttp({ url: 'http://127.0.0.1/graphql' });

afterEach(() => {
  answers.length = 0;
  asked.length = 0;
  vi.useRealTimers();
});

function answerWith(...bodies: object[]): void {
  answers.push(...bodies);
  vi.useFakeTimers();
  vi.stubGlobal('fetch', (_url: string, { body }: RequestInit) => {
    asked.push((JSON.parse(body as string) as { variables: unknown }).variables);
    return Promise.resolve(Response.json(answers.shift() ?? unavailable));
  });
}

const unavailable = { errors: [{ message: 'Later.', extensions: { code: 'UNAVAILABLE' } }] };
const tokens = { accessToken: 'a', expiresIn: 60, refreshToken: 'r', refreshExpiresAt: '2026-01-08T00:00:00.000Z' };
const renewed = { data: { refreshSession: { __typename: 'RefreshSessionPayload', tokens } } };

describe('renewOverHttp', () => {
  it('asks again, with the same token, where the service cannot decide yet', async () => {
    answerWith(unavailable, renewed);
    const renewal = renew('refresh-1');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await renewal).toEqual({ type: 'renewed', tokens });
    expect(asked).toEqual([{ input: { refreshToken: 'refresh-1' } }, { input: { refreshToken: 'refresh-1' } }]);
  });

  it('gives up after three times, and decides nothing', async () => {
    answerWith();
    const renewal = expect(renew(null)).rejects.toMatchObject({ failure: { code: 'UNAVAILABLE' } });
    await vi.advanceTimersByTimeAsync(60_000);
    await renewal;
    expect(asked).toHaveLength(3);
  });

  it('takes a refusal at its word', async () => {
    const refusal = { __typename: 'RefreshRejected', code: 'REFRESH_REJECTED', message: '', reason: 'REUSED' };
    answerWith({ data: { refreshSession: refusal } });
    expect(await renew('refresh-1')).toEqual({ type: 'ended', reason: 'REUSED' });
    expect(asked).toHaveLength(1);
  });
});
