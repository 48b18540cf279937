import { normalizeCode, type Verification } from '@countersign/client';
import { oneTimeCodeProps, useWebOtp } from '@countersign/client/react';
import { useEffect, useId, useRef, useState, type CSSProperties, type ReactNode } from 'react';

import { useTexts } from '../texts/index.ts';

export interface CodeInputProps {
  readonly verification: Verification;
  readonly error: string | null;
  readonly busy: boolean;
  /** Shown next to the label: the time until the code expires. */
  readonly aside: ReactNode;
  readonly onComplete: (code: string) => void;
}

/** One field that is drawn as one slot for each character. It submits the code when it is complete. */
export function CodeInput({ verification, error, busy, aside, onComplete }: CodeInputProps): ReactNode {
  const { fields, code: texts } = useTexts();
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [code, setCode] = useState('');

  // The field takes the focus instead of the heading: phones offer a code only for the focused field. A wrong code is
  // selected, so that the next one replaces it.
  useEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, [error]);

  const update = (typed: string): void => {
    const tidy = normalizeCode(typed, verification);
    setCode(tidy);
    if (tidy.length === verification.codeLength && tidy !== code) onComplete(tidy);
  };
  useWebOtp(verification.status === 'PENDING', update);

  return (
    <div className="field">
      <div className="field-head">
        <label htmlFor={id}>{fields.code}</label>
        {aside}
      </div>
      <div className="code-box" style={{ '--length': verification.codeLength } as CSSProperties}>
        <input
          {...oneTimeCodeProps(verification)}
          ref={input}
          id={id}
          className="code-input"
          value={code}
          required
          aria-invalid={error === null ? undefined : true}
          aria-describedby={`${id}-hint${error === null ? '' : ` ${id}-error`}`}
          aria-busy={busy}
          onChange={(event) => {
            update(event.target.value);
          }}
        />
      </div>
      <div id={`${id}-hint`} className="field-hint">
        {texts.hint(verification.codeLength, verification.codeFormat === 'NUMERIC')}
      </div>
      {error !== null && (
        <div id={`${id}-error`} className="field-error" role="alert">
          {error}
        </div>
      )}
    </div>
  );
}
