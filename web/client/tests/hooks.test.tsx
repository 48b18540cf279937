// @vitest-environment happy-dom
import { act, useEffect } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { oneTimeCodeProps, useCountdown, useVerificationFlow, useWebOtp } from '../src/react/index.ts';
import { ServerClock } from '../src/verification/server-clock.ts';
import { renderHook } from './support/render.tsx';
import { ScriptedWire } from './support/scripted-wire.ts';
import { aVerification } from './support/verification.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const REQUEST = { purpose: 'SIGN_UP', to: { phone: '010-1234-5678' } } as const;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number): Promise<void> =>
  act(async () => {
    await vi.advanceTimersByTimeAsync(ms);
  });

describe('useVerificationFlow', () => {
  const answerWith = (wire: ScriptedWire): Promise<void> => {
    const verification = aVerification();
    wire.last.answer({ sendVerificationCode: { __typename: 'SendVerificationCodePayload', verification } });
    return pass(0);
  };

  it('sends once from an effect that StrictMode runs twice', async () => {
    const wire = new ScriptedWire();
    await renderHook(() => {
      const { send } = useVerificationFlow(wire);
      useEffect(() => void send(REQUEST), [send]);
    });
    await pass(0);
    expect(wire.named('SendVerificationCode')).toHaveLength(1);
  });

  it('counts down to the resend and to the end of the code', async () => {
    const wire = new ScriptedWire();
    const hook = await renderHook(() => useVerificationFlow(wire));
    expect(hook.current()).toMatchObject({ phase: 'idle', resendIn: 0, expiresIn: 0, canResend: false });
    void hook.current().send(REQUEST);
    await pass(0);
    expect(hook.current().busy).toBe('send');
    await answerWith(wire);
    expect(hook.current()).toMatchObject({ phase: 'waiting', resendIn: 60, expiresIn: 300, canResend: false });
    await pass(59_000);
    expect(hook.current()).toMatchObject({ resendIn: 1, expiresIn: 241, canResend: false });
    await pass(1_000);
    expect(hook.current()).toMatchObject({ resendIn: 0, expiresIn: 240, canResend: true });
  });

  it('offers no resend where none is left', async () => {
    const wire = new ScriptedWire();
    const hook = await renderHook(() => useVerificationFlow(wire));
    void hook.current().send(REQUEST);
    await pass(0);
    await answerWith(wire);
    await pass(60_000);
    act(() => {
      wire.openStream.next(aVerification({ sequence: 2, sendsRemaining: 0 }));
    });
    expect(hook.current().canResend).toBe(false);
  });

  it('shows what the stream says, and closes it when it goes', async () => {
    const wire = new ScriptedWire();
    const hook = await renderHook(() => useVerificationFlow(wire));
    void hook.current().send(REQUEST);
    await pass(0);
    await answerWith(wire);
    act(() => {
      wire.openStream.next(aVerification({ sequence: 2, attemptsRemaining: 3 }));
    });
    expect(hook.current()).toMatchObject({ news: 'live', verification: { attemptsRemaining: 3 } });
    hook.unmount();
    expect(wire.streams.every(({ closed }) => closed)).toBe(true);
  });
});

describe('useCountdown', () => {
  it('stays at 0, and stops ticking there', async () => {
    const clock = new ServerClock();
    const instant = new Date(NOW + 2_500).toISOString();
    const hook = await renderHook(() => useCountdown(instant, clock));
    const seen = [hook.current()];
    for (const ms of [500, 1_000, 1_000, 5_000]) {
      await pass(ms);
      seen.push(hook.current());
    }
    expect(seen).toEqual([3, 2, 1, 0, 0]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('useWebOtp', () => {
  it('hands a code over, and gives the wait up when it goes', async () => {
    const signals: AbortSignal[] = [];
    let deliver: (credential: { code: string }) => void = () => undefined;
    const get = ({ signal }: { signal: AbortSignal }): Promise<{ code: string }> => {
      signals.push(signal);
      return new Promise((resolve) => (deliver = resolve));
    };
    vi.stubGlobal('OTPCredential', Object);
    vi.stubGlobal('navigator', { credentials: { get } });
    const heard: string[] = [];
    const hook = await renderHook(() => {
      useWebOtp(true, (code) => heard.push(code));
      return null;
    });
    await act(async () => {
      deliver({ code: '123456' });
      await Promise.resolve();
    });
    expect(heard).toEqual(['123456']);
    hook.unmount();
    expect(signals.at(-1)?.aborted).toBe(true);
    vi.unstubAllGlobals();
  });
});

describe('oneTimeCodeProps', () => {
  it('is what browsers look for', () => {
    expect(oneTimeCodeProps({ codeFormat: 'NUMERIC' })).toMatchObject({
      autoComplete: 'one-time-code',
      inputMode: 'numeric',
    });
  });

  it.each(['NUMERIC', 'ALPHANUMERIC'] as const)('has a pattern that browsers take: %s', (codeFormat) => {
    const { pattern = '' } = oneTimeCodeProps({ codeFormat });
    // As HTML has it: with the `v` flag, where a bare hyphen is no longer one.
    const taken = new RegExp(`^(?:${pattern})$`, 'v');
    expect(taken.test('123 456')).toBe(true);
    expect(taken.test('123-456')).toBe(true);
    expect(taken.test('123?')).toBe(false);
  });
});
