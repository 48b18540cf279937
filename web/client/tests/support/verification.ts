import type { Proof, Verification } from '../../src/verification/types.ts';

/** A pending verification with the given fields. */
export function aVerification(fields: Partial<Verification> = {}): Verification {
  return {
    __typename: 'Verification',
    id: 'ver_1',
    purpose: 'SIGN_UP',
    maskedTo: '+82 10-••••-5678',
    status: 'PENDING',
    delivery: {
      __typename: 'Delivery',
      channel: 'SMS',
      status: 'QUEUED',
      failure: null,
      updatedAt: '2026-01-01T00:00:00.000Z',
    },
    attemptsRemaining: 5,
    codeLength: 6,
    codeFormat: 'NUMERIC',
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    expiresAt: '2026-01-01T00:05:00.000Z',
    resendAvailableAt: '2026-01-01T00:01:00.000Z',
    sendsRemaining: 4,
    sequence: 1,
    ...fields,
  };
}

export const PROOF: Proof = {
  __typename: 'Proof',
  purpose: 'SIGN_UP',
  token: 'f'.repeat(64),
  expiresAt: '2026-01-01T00:15:00.000Z',
  attestation: 'a.b.c',
};
