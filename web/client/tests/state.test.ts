import { describe, expect, it } from 'vitest';

import { UNREACHABLE } from '../src/failure.ts';
import { IDLE, newer, reduce, type VerificationEvent, type VerificationState } from '../src/verification/state.ts';
import { aVerification, PROOF } from './support/verification.ts';

const replay = (...events: VerificationEvent[]): VerificationState => events.reduce(reduce, IDLE);
const snapshot = (facts: Parameters<typeof aVerification>[0] = {}): VerificationEvent => ({
  type: 'snapshot',
  verification: aVerification(facts),
});

describe('newer', () => {
  it('returns the higher sequence of one verification', () => {
    const [second, third] = [aVerification({ sequence: 2 }), aVerification({ sequence: 3 })];
    expect(newer(third, second)).toBe(third);
    expect(newer(second, third)).toBe(third);
  });

  it('returns the received snapshot of another verification', () => {
    const other = aVerification({ id: 'ver_2', sequence: 1 });
    expect(newer(aVerification({ sequence: 9 }), other)).toBe(other);
  });
});

describe('reduce', () => {
  it('is waiting after the first snapshot', () => {
    expect(
      replay({ type: 'actionStarted', action: 'send' }, snapshot(), { type: 'actionFinished', problem: null }),
    ).toMatchObject({
      phase: 'waiting',
      busy: null,
      problem: null,
    });
  });

  it('ignores a snapshot with a lower sequence', () => {
    const state = replay(
      snapshot({ sequence: 5, attemptsRemaining: 3 }),
      snapshot({ sequence: 4, attemptsRemaining: 4 }),
    );
    expect(state.verification).toMatchObject({ sequence: 5, attemptsRemaining: 3 });
  });

  it.each(['EXPIRED', 'LOCKED', 'CANCELED', 'VERIFIED'] as const)('ends with status %s', (status) => {
    expect(replay(snapshot(), snapshot({ status, sequence: 2 })).phase).toBe('ended');
  });

  it('keeps waiting if the stream reports VERIFIED before the response with the proof', () => {
    const verified = snapshot({ status: 'VERIFIED', sequence: 2 });
    const early = replay(snapshot(), { type: 'actionStarted', action: 'confirm' }, verified);
    expect(early.phase).toBe('waiting');
    const proved: VerificationEvent = { type: 'proved', verification: aVerification({ sequence: 2 }), proof: PROOF };
    expect([proved, { type: 'actionFinished', problem: null } as const].reduce(reduce, early)).toMatchObject({
      phase: 'proved',
      proof: PROOF,
    });
  });

  it('ends if the response with the proof is lost', () => {
    const verified = snapshot({ status: 'VERIFIED', sequence: 2 });
    const state = replay(snapshot(), { type: 'actionStarted', action: 'confirm' }, verified, {
      type: 'actionFinished',
      problem: UNREACHABLE,
    });
    expect(state).toMatchObject({ phase: 'ended', proof: null, problem: UNREACHABLE });
  });

  it('keeps the proof after later snapshots', () => {
    const proved: VerificationEvent = { type: 'proved', verification: aVerification({ sequence: 2 }), proof: PROOF };
    expect(replay(snapshot(), proved, snapshot({ status: 'VERIFIED', sequence: 3 })).phase).toBe('proved');
  });

  it('clears the problem when an action starts', () => {
    const state = replay({ type: 'actionFinished', problem: UNREACHABLE }, { type: 'actionStarted', action: 'send' });
    expect(state).toMatchObject({ problem: null, busy: 'send' });
  });

  it('ends if the verification is not found', () => {
    expect(replay(snapshot(), { type: 'notFound' })).toMatchObject({ phase: 'ended', problem: { code: 'NOT_FOUND' } });
    const problem = { __typename: 'VerificationNotFound', code: 'VERIFICATION_NOT_FOUND', message: '' } as const;
    expect(
      replay(snapshot(), { type: 'actionStarted', action: 'resend' }, { type: 'actionFinished', problem }).phase,
    ).toBe('ended');
  });

  it('returns the same object if nothing changed, to avoid a render', () => {
    const state = replay(snapshot());
    expect(reduce(state, { type: 'live', live: false })).toBe(state);
  });
});
