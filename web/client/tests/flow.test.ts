import { beforeEach, describe, expect, it, vi } from 'vitest';

import { UNREACHABLE } from '../src/failure.ts';
import { VerificationFlow } from '../src/verification/flow.ts';
import type { Verification } from '../src/verification/types.ts';
import { ScriptedAdapter } from './support/scripted-adapter.ts';
import { aVerification, PROOF } from './support/verification.ts';

const REQUEST = { purpose: 'SIGN_UP', to: { phone: '010-1234-5678' } } as const;
const sent = (fields?: Partial<Verification>): object => ({
  sendVerificationCode: { __typename: 'SendVerificationCodePayload', verification: aVerification(fields) },
});
const flush = (): Promise<void> => vi.advanceTimersByTimeAsync(0).then(() => undefined);

let adapter: ScriptedAdapter;
let flow: VerificationFlow;
let wake: () => void;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') });
  adapter = new ScriptedAdapter();
  const wakeEvents = (listener: () => void): (() => void) => {
    wake = listener;
    return () => undefined;
  };
  flow = new VerificationFlow(adapter, { wakeEvents });
  return () => vi.useRealTimers();
});

async function waiting(): Promise<() => void> {
  const unsubscribe = flow.subscribe(() => undefined);
  const done = flow.send(REQUEST);
  await flush();
  adapter.last.answer(sent());
  await done;
  return unsubscribe;
}

const keyOf = (index: number): unknown =>
  (adapter.named('SendVerificationCode')[index]?.variables['input'] as { idempotencyKey: string }).idempotencyKey;

describe('sending', () => {
  it('sends once on a double click', async () => {
    const both = Promise.all([flow.send(REQUEST), flow.send({ ...REQUEST })]);
    await flush();
    expect(adapter.named('SendVerificationCode')).toHaveLength(1);
    adapter.last.answer(sent());
    expect(await both).toMatchObject([{ phase: 'waiting' }, { phase: 'waiting' }]);
  });

  it('repeats a request with the same idempotency key after a lost response, and uses another key for another number', async () => {
    const first = flow.send(REQUEST);
    await flush();
    adapter.last.fail(UNREACHABLE);
    expect((await first).problem).toEqual(UNREACHABLE);

    void flow.send(REQUEST);
    await flush();
    adapter.last.answer(sent());
    void flow.send({ purpose: 'SIGN_UP', to: { phone: '010-8765-4321' } });
    await flush();
    expect(keyOf(1)).toBe(keyOf(0));
    expect(keyOf(2)).not.toBe(keyOf(0));
    expect(keyOf(0)).toMatch(/^[0-9a-f]{32}$/);
  });

  it('uses the same idempotency key after a reset', async () => {
    await waiting();
    flow.reset();
    void flow.send(REQUEST);
    await flush();
    expect(keyOf(1)).toBe(keyOf(0));
  });

  it('uses a new idempotency key after the verification has ended', async () => {
    await waiting();
    adapter.openStream.next(aVerification({ status: 'EXPIRED', sequence: 2 }));
    void flow.send(REQUEST);
    await flush();
    expect(keyOf(1)).not.toBe(keyOf(0));
  });

  it('returns a refusal unchanged', async () => {
    const refusal = { __typename: 'ContactTaken', code: 'CONTACT_TAKEN', message: 'Taken.' };
    const done = flow.send(REQUEST);
    await flush();
    adapter.last.answer({ sendVerificationCode: refusal });
    expect(await done).toMatchObject({ phase: 'idle', busy: null, problem: refusal });
  });

  it('ignores the response to a request from before a reset', async () => {
    const done = flow.send(REQUEST);
    await flush();
    flow.reset();
    adapter.last.answer(sent());
    expect(await done).toMatchObject({ phase: 'idle', busy: null });
  });

  it('detects from a new verification that the device clock is three minutes fast', async () => {
    const done = flow.send(REQUEST);
    await flush();
    const createdAt = '2025-12-31T23:57:00.000Z';
    adapter.last.answer(sent({ createdAt, delivery: { ...aVerification().delivery, updatedAt: createdAt } }));
    await done;
    expect(flow.clock.secondsUntil('2025-12-31T23:58:00.000Z')).toBe(60);
  });
});

describe('confirming', () => {
  it('returns the proof', async () => {
    await waiting();
    const done = flow.confirm('123456');
    await flush();
    expect(adapter.last.variables).toEqual({ input: { verificationId: 'ver_1', code: '123456' } });
    const verification = aVerification({ status: 'VERIFIED', sequence: 2 });
    adapter.last.answer({
      confirmVerificationCode: { __typename: 'ConfirmVerificationCodePayload', verification, proof: PROOF },
    });
    expect(await done).toMatchObject({ phase: 'proved', proof: PROOF });
    expect(adapter.openStream.closed).toBe(true);
  });

  it('reports the remaining attempts and accepts another code', async () => {
    await waiting();
    const wrong = { __typename: 'CodeMismatch', code: 'CODE_MISMATCH', message: 'No.', attemptsRemaining: 4 };
    const done = flow.confirm('000000');
    await flush();
    adapter.last.answer({ confirmVerificationCode: wrong });
    expect(await done).toMatchObject({ phase: 'waiting', problem: { attemptsRemaining: 4 } });
    void flow.confirm('111111');
    await flush();
    expect(adapter.named('ConfirmVerificationCode')).toHaveLength(2);
  });

  it('waits for the previous action', async () => {
    await waiting();
    void flow.resend();
    void flow.confirm('123456');
    await flush();
    expect(adapter.last.name).toBe('ResendVerificationCode');
    adapter.last.fail(UNREACHABLE);
    await flush();
    expect(adapter.last.name).toBe('ConfirmVerificationCode');
  });

  it('throws if no verification has been started', async () => {
    await expect(flow.confirm('123456')).rejects.toThrow('No verification has been started');
    expect(flow.getState().busy).toBeNull();
  });
});

describe('resending', () => {
  it('takes the time of the service from a QuotaExceeded refusal', async () => {
    await waiting();
    const done = flow.resend('VOICE');
    await flush();
    expect(adapter.last.variables).toEqual({ input: { verificationId: 'ver_1', channel: 'VOICE' } });
    const fields = { quota: 'RESEND_COOLDOWN', retryAfterSeconds: 30, retryAt: '2026-01-01T00:10:30.000Z' };
    adapter.last.answer({
      resendVerificationCode: { __typename: 'QuotaExceeded', code: 'QUOTA_EXCEEDED', message: '', ...fields },
    });
    expect((await done).phase).toBe('waiting');
    expect(flow.clock.secondsUntil(fields.retryAt)).toBe(30);
  });

  it('shows the final status if the verification has ended', async () => {
    await waiting();
    const done = flow.resend();
    await flush();
    const verification = aVerification({ status: 'LOCKED', sequence: 7 });
    adapter.last.answer({
      resendVerificationCode: {
        __typename: 'VerificationNotPending',
        code: 'VERIFICATION_NOT_PENDING',
        message: '',
        verification,
      },
    });
    expect(await done).toMatchObject({ phase: 'ended', verification: { status: 'LOCKED' } });
  });
});

describe('watching', () => {
  it('watches only while there are subscribers', async () => {
    const unsubscribe = await waiting();
    expect(adapter.streams).toHaveLength(1);
    unsubscribe();
    expect(adapter.openStream.closed).toBe(true);
    flow.subscribe(() => undefined);
    expect(adapter.streams).toHaveLength(2);
  });

  it('applies snapshots of the stream', async () => {
    await waiting();
    expect(flow.getState().updates).toBe('none');
    const delivery = { ...aVerification().delivery, status: 'DELIVERED' } as const;
    adapter.openStream.next(aVerification({ delivery, sequence: 3 }));
    expect(flow.getState()).toMatchObject({ updates: 'live', verification: { delivery: { status: 'DELIVERED' } } });
  });

  it('reopens a lost stream and polls meanwhile', async () => {
    await waiting();
    adapter.openStream.next(aVerification({ sequence: 2 }));
    adapter.openStream.error(UNREACHABLE);
    expect(flow.getState()).toMatchObject({ updates: 'reconnecting', phase: 'waiting', problem: null });
    await vi.advanceTimersByTimeAsync(4_000);
    expect(adapter.streams).toHaveLength(2);
    adapter.last.answer({ verification: aVerification({ sequence: 8, attemptsRemaining: 1 }) });
    await flush();
    expect(flow.getState()).toMatchObject({ updates: 'reconnecting', verification: { attemptsRemaining: 1 } });
    adapter.openStream.next(aVerification({ sequence: 8, attemptsRemaining: 1 }));
    expect(flow.getState().updates).toBe('live');
  });

  it('does not poll while the stream is live', async () => {
    await waiting();
    adapter.openStream.next(aVerification({ sequence: 2 }));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(adapter.named('Verification')).toHaveLength(0);
  });

  it('reconnects and polls at once on a wake event', async () => {
    await waiting();
    adapter.openStream.error(UNREACHABLE);
    wake();
    expect(adapter.streams).toHaveLength(2);
    expect(adapter.named('Verification')).toHaveLength(1);
  });

  it('stops watching a verification that is not found', async () => {
    await waiting();
    adapter.openStream.error({
      __typename: 'ServiceFault',
      code: 'NOT_FOUND',
      requestId: null,
      retryAfterSeconds: null,
    });
    expect(flow.getState()).toMatchObject({ phase: 'ended', problem: { code: 'NOT_FOUND' } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(adapter.streams).toHaveLength(1);
  });

  it('resumes a verification that was started elsewhere', () => {
    flow.subscribe(() => undefined);
    flow.resume(aVerification({ id: 'ver_9' }));
    expect(adapter.openStream.id).toBe('ver_9');
  });

  it('resumes a confirmed verification with its proof without watching it', () => {
    flow.subscribe(() => undefined);
    flow.resume(aVerification({ status: 'VERIFIED' }), PROOF);
    expect(flow.getState()).toMatchObject({ phase: 'proved', proof: PROOF, verification: { id: 'ver_1' } });
    expect(adapter.streams).toHaveLength(0);
  });
});
