import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { forget, keep, kept, keptTexts, keptVerification } from '../src/kept.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const instant = (seconds: number): string => new Date(NOW + seconds * 1_000).toISOString();

const verification = {
  ...{ id: 'ver_1', purpose: 'SIGN_UP', maskedTo: '+82 10-****-5678', status: 'PENDING', sequence: 1 },
  ...{
    createdAt: instant(0),
    updatedAt: instant(0),
    expiresAt: instant(300),
    codeFormat: 'NUMERIC',
    codeLength: 6,
    attemptsRemaining: 5,
  },
  ...{ resendAvailableAt: null, sendsRemaining: null },
  delivery: { channel: 'SMS', status: 'SENT', failure: null, updatedAt: instant(0) },
};
const proof = { purpose: 'SIGN_UP', token: 'ab', expiresAt: instant(600), attestation: null };

let values: Map<string, string>;
beforeEach(() => {
  values = new Map();
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => values.set(key, value),
    removeItem: (key: string) => values.delete(key),
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe('a kept verification', () => {
  it('is there until its code expires', () => {
    keep('k', { verification });
    expect(keptVerification('k', NOW)).toEqual({ verification });
    expect(keptVerification('k', NOW + 301_000)).toBeNull();
    forget('k');
    expect(keptVerification('k', NOW)).toBeNull();
  });

  it('is there with its proof until that expires', () => {
    keep('k', { verification: { ...verification, status: 'VERIFIED' }, proof });
    expect(keptVerification('k', NOW + 301_000)).toMatchObject({ proof });
    expect(keptVerification('k', NOW + 601_000)).toBeNull();
  });

  it.each([
    ...['', '{', 'null', '5', '"text"', '[]', '{}', '{"verification":5}', '{"verification":{"id":"ver_1"}}'],
    JSON.stringify({ verification: { ...verification, delivery: null } }),
    JSON.stringify({ verification: { ...verification, codeLength: '6' } }),
    JSON.stringify({ verification: { ...verification, expiresAt: 'soon' } }),
    JSON.stringify({ verification, proof: 'token' }),
    // As an earlier version of the demo kept it.
    JSON.stringify(verification),
  ])('is none where %s stands', (text) => {
    values.set('k', text);
    expect(keptVerification('k', NOW)).toBeNull();
  });
});

describe('kept texts', () => {
  it('are texts alone', () => {
    keep('k', { name: 'Lena', age: 7, nested: {} });
    expect(keptTexts('k')).toEqual({ name: 'Lena' });
    values.set('k', '{');
    expect(keptTexts('k')).toEqual({});
  });
});

it('a browser that keeps nothing for pages is no obstacle', () => {
  vi.stubGlobal('sessionStorage', undefined);
  keep('k', 1);
  forget('k');
  expect(kept('k')).toBeNull();
});
