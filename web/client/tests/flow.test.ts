import { beforeEach, describe, expect, it, vi } from 'vitest';

import { UNREACHABLE } from '../src/failure.ts';
import { VerificationFlow } from '../src/verification/flow.ts';
import type { Verification } from '../src/verification/types.ts';
import { ScriptedWire } from './support/scripted-wire.ts';
import { aVerification, PROOF } from './support/verification.ts';

const REQUEST = { purpose: 'SIGN_UP', to: { phone: '010-1234-5678' } } as const;
const sent = (facts?: Partial<Verification>): object => ({
  sendVerificationCode: { __typename: 'SendVerificationCodePayload', verification: aVerification(facts) },
});
const turn = (): Promise<void> => vi.advanceTimersByTimeAsync(0).then(() => undefined);

let wire: ScriptedWire;
let flow: VerificationFlow;
let wake: () => void;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') });
  wire = new ScriptedWire();
  const wakeUps = (listener: () => void): (() => void) => {
    wake = listener;
    return () => undefined;
  };
  flow = new VerificationFlow(wire, { wakeUps });
  return () => vi.useRealTimers();
});

async function waiting(): Promise<() => void> {
  const leave = flow.subscribe(() => undefined);
  const done = flow.send(REQUEST);
  await turn();
  wire.last.answer(sent());
  await done;
  return leave;
}

const keyOf = (index: number): unknown =>
  (wire.named('SendVerificationCode')[index]?.variables['input'] as { idempotencyKey: string }).idempotencyKey;

describe('sending', () => {
  it('sends once for a double click', async () => {
    const both = Promise.all([flow.send(REQUEST), flow.send({ ...REQUEST })]);
    await turn();
    expect(wire.named('SendVerificationCode')).toHaveLength(1);
    wire.last.answer(sent());
    expect(await both).toMatchObject([{ phase: 'waiting' }, { phase: 'waiting' }]);
  });

  it('asks again with the same key after a lost answer, and with another for another number', async () => {
    const first = flow.send(REQUEST);
    await turn();
    wire.last.fail(UNREACHABLE);
    expect((await first).problem).toEqual(UNREACHABLE);

    void flow.send(REQUEST);
    await turn();
    wire.last.answer(sent());
    void flow.send({ purpose: 'SIGN_UP', to: { phone: '010-8765-4321' } });
    await turn();
    expect(keyOf(1)).toBe(keyOf(0));
    expect(keyOf(2)).not.toBe(keyOf(0));
    expect(keyOf(0)).toMatch(/^[0-9a-f]{32}$/);
  });

  it('finds the same verification again after the person went back', async () => {
    await waiting();
    flow.reset();
    void flow.send(REQUEST);
    await turn();
    expect(keyOf(1)).toBe(keyOf(0));
  });

  it('takes a new key once the verification is over', async () => {
    await waiting();
    wire.openStream.next(aVerification({ status: 'EXPIRED', sequence: 2 }));
    void flow.send(REQUEST);
    await turn();
    expect(keyOf(1)).not.toBe(keyOf(0));
  });

  it('hands on a refusal as it is', async () => {
    const refusal = { __typename: 'ContactTaken', code: 'CONTACT_TAKEN', message: 'Taken.' };
    const done = flow.send(REQUEST);
    await turn();
    wire.last.answer({ sendVerificationCode: refusal });
    expect(await done).toMatchObject({ phase: 'idle', busy: null, problem: refusal });
  });

  it('does not hear an answer to what was asked before a reset', async () => {
    const done = flow.send(REQUEST);
    await turn();
    flow.reset();
    wire.last.answer(sent());
    expect(await done).toMatchObject({ phase: 'idle', busy: null });
  });

  it('learns from a fresh verification that the clock of the device is three minutes ahead', async () => {
    const done = flow.send(REQUEST);
    await turn();
    const createdAt = '2025-12-31T23:57:00.000Z';
    wire.last.answer(sent({ createdAt, delivery: { ...aVerification().delivery, updatedAt: createdAt } }));
    await done;
    expect(flow.clock.secondsUntil('2025-12-31T23:58:00.000Z')).toBe(60);
  });
});

describe('confirming', () => {
  it('ends in a proof', async () => {
    await waiting();
    const done = flow.confirm('123456');
    await turn();
    expect(wire.last.variables).toEqual({ input: { verificationId: 'ver_1', code: '123456' } });
    const verification = aVerification({ status: 'VERIFIED', sequence: 2 });
    wire.last.answer({
      confirmVerificationCode: { __typename: 'ConfirmVerificationCodePayload', verification, proof: PROOF },
    });
    expect(await done).toMatchObject({ phase: 'proved', proof: PROOF });
    expect(wire.openStream.closed).toBe(true);
  });

  it('tells how many attempts are left, and takes the next code', async () => {
    await waiting();
    const wrong = { __typename: 'CodeMismatch', code: 'CODE_MISMATCH', message: 'No.', attemptsRemaining: 4 };
    const done = flow.confirm('000000');
    await turn();
    wire.last.answer({ confirmVerificationCode: wrong });
    expect(await done).toMatchObject({ phase: 'waiting', problem: { attemptsRemaining: 4 } });
    void flow.confirm('111111');
    await turn();
    expect(wire.named('ConfirmVerificationCode')).toHaveLength(2);
  });

  it('waits for the act before it', async () => {
    await waiting();
    void flow.resend();
    void flow.confirm('123456');
    await turn();
    expect(wire.last.name).toBe('ResendVerificationCode');
    wire.last.fail(UNREACHABLE);
    await turn();
    expect(wire.last.name).toBe('ConfirmVerificationCode');
  });

  it('is misuse before anything was sent', async () => {
    await expect(flow.confirm('123456')).rejects.toThrow('Nothing was sent yet');
    expect(flow.getState().busy).toBeNull();
  });
});

describe('resending', () => {
  it('learns the time from a quota', async () => {
    await waiting();
    const done = flow.resend('VOICE');
    await turn();
    expect(wire.last.variables).toEqual({ input: { verificationId: 'ver_1', channel: 'VOICE' } });
    const facts = { quota: 'RESEND_COOLDOWN', retryAfterSeconds: 30, retryAt: '2026-01-01T00:10:30.000Z' };
    wire.last.answer({
      resendVerificationCode: { __typename: 'QuotaExceeded', code: 'QUOTA_EXCEEDED', message: '', ...facts },
    });
    expect((await done).phase).toBe('waiting');
    expect(flow.clock.secondsUntil(facts.retryAt)).toBe(30);
  });

  it('shows what the verification came to, where it is over', async () => {
    await waiting();
    const done = flow.resend();
    await turn();
    const verification = aVerification({ status: 'LOCKED', sequence: 7 });
    wire.last.answer({
      resendVerificationCode: {
        __typename: 'VerificationNotPending',
        code: 'VERIFICATION_NOT_PENDING',
        message: '',
        verification,
      },
    });
    expect(await done).toMatchObject({ phase: 'over', verification: { status: 'LOCKED' } });
  });
});

describe('watching', () => {
  it('watches while somebody looks, and only then', async () => {
    const leave = await waiting();
    expect(wire.streams).toHaveLength(1);
    leave();
    expect(wire.openStream.closed).toBe(true);
    flow.subscribe(() => undefined);
    expect(wire.streams).toHaveLength(2);
  });

  it('shows what the stream says, live', async () => {
    await waiting();
    expect(flow.getState().news).toBe('none');
    const delivery = { ...aVerification().delivery, status: 'DELIVERED' } as const;
    wire.openStream.next(aVerification({ delivery, sequence: 3 }));
    expect(flow.getState()).toMatchObject({ news: 'live', verification: { delivery: { status: 'DELIVERED' } } });
  });

  it('comes back after the stream broke, and asks by query meanwhile', async () => {
    await waiting();
    wire.openStream.next(aVerification({ sequence: 2 }));
    wire.openStream.error(UNREACHABLE);
    expect(flow.getState()).toMatchObject({ news: 'late', phase: 'waiting', problem: null });
    await vi.advanceTimersByTimeAsync(4_000);
    expect(wire.streams).toHaveLength(2);
    wire.last.answer({ verification: aVerification({ sequence: 8, attemptsRemaining: 1 }) });
    await turn();
    expect(flow.getState()).toMatchObject({ news: 'late', verification: { attemptsRemaining: 1 } });
    wire.openStream.next(aVerification({ sequence: 8, attemptsRemaining: 1 }));
    expect(flow.getState().news).toBe('live');
  });

  it('asks nothing while the stream is live', async () => {
    await waiting();
    wire.openStream.next(aVerification({ sequence: 2 }));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(wire.named('Verification')).toHaveLength(0);
  });

  it('looks at once when the person comes back to the page', async () => {
    await waiting();
    wire.openStream.error(UNREACHABLE);
    wake();
    expect(wire.streams).toHaveLength(2);
    expect(wire.named('Verification')).toHaveLength(1);
  });

  it('gives up on a verification that the service forgot', async () => {
    await waiting();
    wire.openStream.error({ __typename: 'ServiceFault', code: 'NOT_FOUND', requestId: null, retryAfterSeconds: null });
    expect(flow.getState()).toMatchObject({ phase: 'over', problem: { code: 'NOT_FOUND' } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(wire.streams).toHaveLength(1);
  });

  it('takes up a verification that something else started', () => {
    flow.subscribe(() => undefined);
    flow.resume(aVerification({ id: 'ver_9' }));
    expect(wire.openStream.id).toBe('ver_9');
  });

  it('takes up a confirmed verification with its proof, and watches nothing', () => {
    flow.subscribe(() => undefined);
    flow.resume(aVerification({ status: 'VERIFIED' }), PROOF);
    expect(flow.getState()).toMatchObject({ phase: 'proved', proof: PROOF, verification: { id: 'ver_1' } });
    expect(wire.streams).toHaveLength(0);
  });
});
