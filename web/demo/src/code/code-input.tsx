import { normalizeCode, type Verification } from '@countersign/client';
import { oneTimeCodeProps, useWebOtp } from '@countersign/client/react';
import { useEffect, useId, useRef, useState, type CSSProperties, type ReactNode } from 'react';

import { useWords } from '../words/index.ts';

export interface CodeInputProps {
  readonly verification: Verification;
  readonly error: string | null;
  readonly busy: boolean;
  /** Stands at the end of the label's line: how long the code is good. */
  readonly aside: ReactNode;
  readonly onComplete: (code: string) => void;
}

/** One field that looks like as many as the code is long. Once it is full it is handed over, typed, pasted or filled in. */
export function CodeInput({ verification, error, busy, aside, onComplete }: CodeInputProps): ReactNode {
  const { fields, code: words } = useWords();
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [code, setCode] = useState('');

  // Here the field and not the heading takes the focus: phones offer a code only for the field that has it. A wrong code
  // is selected, so that the next one takes its place.
  useEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, [error]);

  const take = (typed: string): void => {
    const tidy = normalizeCode(typed, verification);
    setCode(tidy);
    if (tidy.length === verification.codeLength && tidy !== code) onComplete(tidy);
  };
  useWebOtp(verification.status === 'PENDING', take);

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
            take(event.target.value);
          }}
        />
      </div>
      <div id={`${id}-hint`} className="field-hint">
        {words.hint(verification.codeLength, verification.codeFormat === 'NUMERIC')}
      </div>
      {error !== null && (
        <div id={`${id}-error`} className="field-error" role="alert">
          {error}
        </div>
      )}
    </div>
  );
}
