import { afterEach, describe, expect, it, vi } from 'vitest';

import { tidyCode, webOtp } from '../src/verification/one-time-code.ts';

const DIGITS = { codeFormat: 'NUMERIC', codeLength: 6 } as const;
const LETTERS = { codeFormat: 'ALPHANUMERIC', codeLength: 8 } as const;

describe('tidyCode', () => {
  it.each([
    ['123 456', '123456'],
    [' 12-34-56 ', '123456'],
    ['１２３４５６', '123456'],
    ['G-123456', '123456'],
    ['1234567', '123456'],
    ['012', '012'],
  ])('makes %j a code of six digits', (typed, code) => {
    expect(tidyCode(typed, DIGITS)).toBe(code);
  });

  it('keeps letters where codes have some', () => {
    expect(tidyCode('ab12-cd34x', LETTERS)).toBe('AB12CD34');
  });
});

describe('webOtp', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('is nothing where the browser has none', async () => {
    expect(await webOtp(new AbortController().signal)).toBeNull();
  });

  it('asks for a code by SMS and hands it over', async () => {
    const get = vi.fn(() => Promise.resolve({ code: '123456' }));
    vi.stubGlobal('window', { OTPCredential: Object });
    vi.stubGlobal('navigator', { credentials: { get } });
    const { signal } = new AbortController();
    expect(await webOtp(signal)).toBe('123456');
    expect(get).toHaveBeenCalledWith({ otp: { transport: ['sms'] }, signal });
  });

  it('is nothing when the wait is given up', async () => {
    vi.stubGlobal('window', { OTPCredential: Object });
    vi.stubGlobal('navigator', { credentials: { get: () => Promise.reject(new DOMException('', 'AbortError')) } });
    expect(await webOtp(new AbortController().signal)).toBeNull();
  });
});
