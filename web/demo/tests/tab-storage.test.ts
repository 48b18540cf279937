import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { load, loadTexts, loadVerification, remove, save } from '../src/tab-storage.ts';

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

describe('a stored verification', () => {
  it('is loaded until its code expires', () => {
    save('k', { verification });
    expect(loadVerification('k', NOW)).toEqual({ verification });
    expect(loadVerification('k', NOW + 301_000)).toBeNull();
    remove('k');
    expect(loadVerification('k', NOW)).toBeNull();
  });

  it('is loaded with its proof until the proof expires', () => {
    save('k', { verification: { ...verification, status: 'VERIFIED' }, proof });
    expect(loadVerification('k', NOW + 301_000)).toMatchObject({ proof });
    expect(loadVerification('k', NOW + 601_000)).toBeNull();
  });

  it.each([
    ...['', '{', 'null', '5', '"text"', '[]', '{}', '{"verification":5}', '{"verification":{"id":"ver_1"}}'],
    JSON.stringify({ verification: { ...verification, delivery: null } }),
    JSON.stringify({ verification: { ...verification, codeLength: '6' } }),
    JSON.stringify({ verification: { ...verification, expiresAt: 'soon' } }),
    JSON.stringify({ verification, proof: 'token' }),
    // The format of an earlier version of the demo.
    JSON.stringify(verification),
  ])('is null for the stored value %s', (text) => {
    values.set('k', text);
    expect(loadVerification('k', NOW)).toBeNull();
  });
});

describe('stored texts', () => {
  it('ignore other values', () => {
    save('k', { name: 'Lena', age: 7, nested: {} });
    expect(loadTexts('k')).toEqual({ name: 'Lena' });
    values.set('k', '{');
    expect(loadTexts('k')).toEqual({});
  });
});

it('works without sessionStorage', () => {
  vi.stubGlobal('sessionStorage', undefined);
  save('k', 1);
  remove('k');
  expect(load('k')).toBeNull();
});
