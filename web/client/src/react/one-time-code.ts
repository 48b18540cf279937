import { useEffect, useRef, type ComponentPropsWithoutRef } from 'react';

import { webOtp } from '../verification/one-time-code.ts';
import type { Verification } from '../verification/types.ts';

type CodeShape = Pick<Verification, 'codeFormat' | 'codeLength'>;

/**
 * What an `<input>` for the code needs, so that a phone offers the code out of the message and shows the right keyboard.
 *
 * One field and not six: autofill, pasting and screen readers all work with one. There is no `maxLength`, which would cut
 * a pasted "123 456" short; `tidyCode` takes out what does not belong.
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
 * Hands over the code of an SMS as it comes in, where the browser can (WebOTP: Chrome on Android), while `enabled`.
 * Elsewhere nothing happens, and `autocomplete="one-time-code"` does what the browser knows.
 */
export function useWebOtp(enabled: boolean, onCode: (code: string) => void): void {
  // The newest callback, without asking the browser again at every render. `useEffectEvent` exists since React 19.2 only.
  const newest = useRef(onCode);
  useEffect(() => {
    newest.current = onCode;
  });
  useEffect(() => {
    if (!enabled) return;
    const stop = new AbortController();
    void webOtp(stop.signal).then((code) => {
      if (code !== null && !stop.signal.aborted) newest.current(code);
    });
    return () => {
      stop.abort();
    };
  }, [enabled]);
}
