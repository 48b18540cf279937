import { useEffect, useRef, type ComponentPropsWithoutRef } from 'react';

import { webOtp } from '../verification/one-time-code.ts';
import type { Verification } from '../verification/types.ts';

type CodeShape = Pick<Verification, 'codeFormat' | 'codeLength'>;

/**
 * Props of the `<input>` for the code: autofill from the message, and the right keyboard on phones.
 *
 * Use one field instead of one for each digit: autofill, pasting and screen readers work with one. There is no `maxLength`,
 * which would truncate a pasted "123 456"; `normalizeCode` removes the space.
 */
export function oneTimeCodeProps({ codeFormat }: Pick<CodeShape, 'codeFormat'>): ComponentPropsWithoutRef<'input'> {
  const numeric = codeFormat === 'NUMERIC';
  return {
    name: 'one-time-code',
    type: 'text',
    autoComplete: 'one-time-code',
    inputMode: numeric ? 'numeric' : 'text',
    pattern: numeric ? '[0-9 \\-]*' : '[0-9A-Za-z \\-]*',
    autoCapitalize: numeric ? 'off' : 'characters',
    autoCorrect: 'off',
    spellCheck: false,
    enterKeyHint: 'done',
  };
}

/**
 * While `enabled`, calls `onCode` with the code of an incoming SMS, in browsers with WebOTP (Chrome on Android). Other
 * browsers offer the code through `autocomplete="one-time-code"`.
 */
export function useWebOtp(enabled: boolean, onCode: (code: string) => void): void {
  // Holds the latest callback without a new WebOTP request at each render. `useEffectEvent` needs React 19.2.
  const latest = useRef(onCode);
  useEffect(() => {
    latest.current = onCode;
  });
  useEffect(() => {
    if (!enabled) return;
    const controller = new AbortController();
    void webOtp(controller.signal).then((code) => {
      if (code !== null && !controller.signal.aborted) latest.current(code);
    });
    return () => {
      controller.abort();
    };
  }, [enabled]);
}
