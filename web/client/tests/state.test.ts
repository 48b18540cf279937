import { describe, expect, it } from 'vitest';

import { UNREACHABLE } from '../src/failure.ts';
import { after, IDLE, newer, type VerificationEvent, type VerificationState } from '../src/verification/state.ts';
import { aVerification, PROOF } from './support/verification.ts';

const play = (...events: VerificationEvent[]): VerificationState => events.reduce(after, IDLE);
const seen = (facts: Parameters<typeof aVerification>[0] = {}): VerificationEvent => ({
  type: 'seen',
  verification: aVerification(facts),
});

describe('newer', () => {
  it('prefers the higher sequence of one verification', () => {
    const [second, third] = [aVerification({ sequence: 2 }), aVerification({ sequence: 3 })];
    expect(newer(third, second)).toBe(third);
    expect(newer(second, third)).toBe(third);
  });

  it('prefers what came last where the verification is another', () => {
    const other = aVerification({ id: 'ver_2', sequence: 1 });
    expect(newer(aVerification({ sequence: 9 }), other)).toBe(other);
  });
});

describe('after', () => {
  it('waits once a verification is seen', () => {
    expect(play({ type: 'began', act: 'send' }, seen(), { type: 'ended', problem: null })).toMatchObject({
      phase: 'waiting',
      busy: null,
      problem: null,
    });
  });

  it('drops a snapshot that is older than what is shown', () => {
    const state = play(seen({ sequence: 5, attemptsRemaining: 3 }), seen({ sequence: 4, attemptsRemaining: 4 }));
    expect(state.verification).toMatchObject({ sequence: 5, attemptsRemaining: 3 });
  });

  it.each(['EXPIRED', 'LOCKED', 'CANCELED', 'VERIFIED'] as const)('is over at %s', (status) => {
    expect(play(seen(), seen({ status, sequence: 2 })).phase).toBe('over');
  });

  it('holds still while the stream says VERIFIED before the answer with the proof is here', () => {
    const verified = seen({ status: 'VERIFIED', sequence: 2 });
    const early = play(seen(), { type: 'began', act: 'confirm' }, verified);
    expect(early.phase).toBe('waiting');
    const proved: VerificationEvent = { type: 'proved', verification: aVerification({ sequence: 2 }), proof: PROOF };
    expect([proved, { type: 'ended', problem: null } as const].reduce(after, early)).toMatchObject({
      phase: 'proved',
      proof: PROOF,
    });
  });

  it('is over when the answer with the proof was lost', () => {
    const verified = seen({ status: 'VERIFIED', sequence: 2 });
    const state = play(seen(), { type: 'began', act: 'confirm' }, verified, { type: 'ended', problem: UNREACHABLE });
    expect(state).toMatchObject({ phase: 'over', proof: null, problem: UNREACHABLE });
  });

  it('keeps a proof, whatever the stream says after', () => {
    const proved: VerificationEvent = { type: 'proved', verification: aVerification({ sequence: 2 }), proof: PROOF };
    expect(play(seen(), proved, seen({ status: 'VERIFIED', sequence: 3 })).phase).toBe('proved');
  });

  it('forgets a problem when the next act begins', () => {
    const state = play({ type: 'ended', problem: UNREACHABLE }, { type: 'began', act: 'send' });
    expect(state).toMatchObject({ problem: null, busy: 'send' });
  });

  it('is over when the service knows the verification no more', () => {
    expect(play(seen(), { type: 'lost' })).toMatchObject({ phase: 'over', problem: { code: 'NOT_FOUND' } });
    const problem = { __typename: 'VerificationNotFound', code: 'VERIFICATION_NOT_FOUND', message: '' } as const;
    expect(play(seen(), { type: 'began', act: 'resend' }, { type: 'ended', problem }).phase).toBe('over');
  });

  it('answers with the same state where nothing changed, so that nothing is drawn again', () => {
    const state = play(seen());
    expect(after(state, { type: 'live', live: false })).toBe(state);
  });
});
