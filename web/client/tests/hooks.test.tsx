// @vitest-environment happy-dom
import { act, useEffect } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { oneTimeCodeProps, useCountdown, useVerificationFlow, useWebOtp } from '../src/react/index.ts';
import { ServerClock } from '../src/verification/server-clock.ts';
import { renderHook } from './support/render.tsx';
import { ScriptedAdapter } from './support/scripted-adapter.ts';
import { aVerification } from './support/verification.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const REQUEST = { purpose: 'SIGN_UP', to: { phone: '010-1234-5678' } } as const;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

const advance = (ms: number): Promise<void> =>
  act(async () => {
    await vi.advanceTimersByTimeAsync(ms);
  });

describe('useVerificationFlow', () => {
  const answerWith = (adapter: ScriptedAdapter): Promise<void> => {
    const verification = aVerification();
    adapter.last.answer({ sendVerificationCode: { __typename: 'SendVerificationCodePayload', verification } });
    return advance(0);
  };

  it('sends once from an effect that StrictMode runs twice', async () => {
    const adapter = new ScriptedAdapter();
    await renderHook(() => {
      const { send } = useVerificationFlow(adapter);
      useEffect(() => void send(REQUEST), [send]);
    });
    await advance(0);
    expect(adapter.named('SendVerificationCode')).toHaveLength(1);
  });

  it('counts down to the resend and to the expiry of the code', async () => {
    const adapter = new ScriptedAdapter();
    const hook = await renderHook(() => useVerificationFlow(adapter));
    expect(hook.current()).toMatchObject({ phase: 'idle', resendIn: 0, expiresIn: 0, canResend: false });
    void hook.current().send(REQUEST);
    await advance(0);
    expect(hook.current().busy).toBe('send');
    await answerWith(adapter);
    expect(hook.current()).toMatchObject({ phase: 'waiting', resendIn: 60, expiresIn: 300, canResend: false });
    await advance(59_000);
    expect(hook.current()).toMatchObject({ resendIn: 1, expiresIn: 241, canResend: false });
    await advance(1_000);
    expect(hook.current()).toMatchObject({ resendIn: 0, expiresIn: 240, canResend: true });
  });

  it('does not allow a resend if no sends remain', async () => {
    const adapter = new ScriptedAdapter();
    const hook = await renderHook(() => useVerificationFlow(adapter));
    void hook.current().send(REQUEST);
    await advance(0);
    await answerWith(adapter);
    await advance(60_000);
    act(() => {
      adapter.openStream.next(aVerification({ sequence: 2, sendsRemaining: 0 }));
    });
    expect(hook.current().canResend).toBe(false);
  });

  it('shows snapshots of the stream and closes it on unmount', async () => {
    const adapter = new ScriptedAdapter();
    const hook = await renderHook(() => useVerificationFlow(adapter));
    void hook.current().send(REQUEST);
    await advance(0);
    await answerWith(adapter);
    act(() => {
      adapter.openStream.next(aVerification({ sequence: 2, attemptsRemaining: 3 }));
    });
    expect(hook.current()).toMatchObject({ updates: 'live', verification: { attemptsRemaining: 3 } });
    hook.unmount();
    expect(adapter.streams.every(({ closed }) => closed)).toBe(true);
  });
});

describe('useCountdown', () => {
  it('stops at 0', async () => {
    const clock = new ServerClock();
    const instant = new Date(NOW + 2_500).toISOString();
    const hook = await renderHook(() => useCountdown(instant, clock));
    const values = [hook.current()];
    for (const ms of [500, 1_000, 1_000, 5_000]) {
      await advance(ms);
      values.push(hook.current());
    }
    expect(values).toEqual([3, 2, 1, 0, 0]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('useWebOtp', () => {
  it('passes the code on and aborts the request on unmount', async () => {
    const signals: AbortSignal[] = [];
    let deliver: (credential: { code: string }) => void = () => undefined;
    const get = ({ signal }: { signal: AbortSignal }): Promise<{ code: string }> => {
      signals.push(signal);
      return new Promise((resolve) => (deliver = resolve));
    };
    vi.stubGlobal('OTPCredential', Object);
    vi.stubGlobal('navigator', { credentials: { get } });
    const received: string[] = [];
    const hook = await renderHook(() => {
      useWebOtp(true, (code) => received.push(code));
      return null;
    });
    await act(async () => {
      deliver({ code: '123456' });
      await Promise.resolve();
    });
    expect(received).toEqual(['123456']);
    hook.unmount();
    expect(signals.at(-1)?.aborted).toBe(true);
    vi.unstubAllGlobals();
  });
});

describe('oneTimeCodeProps', () => {
  it('returns the attributes for autofill', () => {
    expect(oneTimeCodeProps({ codeFormat: 'NUMERIC' })).toMatchObject({
      autoComplete: 'one-time-code',
      inputMode: 'numeric',
    });
  });

  it.each(['NUMERIC', 'ALPHANUMERIC'] as const)('has a valid pattern: %s', (codeFormat) => {
    const { pattern = '' } = oneTimeCodeProps({ codeFormat });
    // HTML compiles patterns with the `v` flag, where an unescaped hyphen in a class is an error.
    const compiled = new RegExp(`^(?:${pattern})$`, 'v');
    expect(compiled.test('123 456')).toBe(true);
    expect(compiled.test('123-456')).toBe(true);
    expect(compiled.test('123?')).toBe(false);
  });
});
