import { afterEach, describe, expect, it, vi } from 'vitest';

import { normalizeCode, webOtp } from '../src/verification/one-time-code.ts';

const DIGITS = { codeFormat: 'NUMERIC', codeLength: 6 } as const;
const LETTERS = { codeFormat: 'ALPHANUMERIC', codeLength: 8 } as const;

describe('normalizeCode', () => {
  it.each([
    ['123 456', '123456'],
    [' 12-34-56 ', '123456'],
    ['１２３４５６', '123456'],
    ['G-123456', '123456'],
    ['1234567', '123456'],
    ['012', '012'],
  ])('normalises %j to at most six digits', (typed, code) => {
    expect(normalizeCode(typed, DIGITS)).toBe(code);
  });

  it('keeps letters of alphanumeric codes', () => {
    expect(normalizeCode('ab12-cd34x', LETTERS)).toBe('AB12CD34');
  });
});

describe('webOtp', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('returns null without browser support', async () => {
    expect(await webOtp(new AbortController().signal)).toBeNull();
  });

  it('requests a code by SMS and returns it', async () => {
    const get = vi.fn(() => Promise.resolve({ code: '123456' }));
    vi.stubGlobal('window', { OTPCredential: Object });
    vi.stubGlobal('navigator', { credentials: { get } });
    const { signal } = new AbortController();
    expect(await webOtp(signal)).toBe('123456');
    expect(get).toHaveBeenCalledWith({ otp: { transport: ['sms'] }, signal });
  });

  it('returns null if the request is aborted', async () => {
    vi.stubGlobal('window', { OTPCredential: Object });
    vi.stubGlobal('navigator', { credentials: { get: () => Promise.reject(new DOMException('', 'AbortError')) } });
    expect(await webOtp(new AbortController().signal)).toBeNull();
  });
});
