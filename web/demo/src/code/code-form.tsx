import type { UseVerification } from '@countersign/client/react';
import type { ReactNode } from 'react';

import { useHasOutbox } from '../outbox.ts';
import { formatDuration, useTexts } from '../texts/index.ts';
import { Button } from '../ui/button.tsx';
import { explain } from '../ui/explain.ts';
import { Notice, ErrorNotice } from '../ui/notice.tsx';
import { CodeInput } from './code-input.tsx';

export interface CodeFormProps {
  readonly flow: UseVerification;
  readonly onCode: (code: string) => void;
  /** Shown below the resend buttons. */
  readonly children?: ReactNode;
}

/** The code field and the resend buttons. */
export function CodeForm({ flow, onCode, children }: CodeFormProps): ReactNode {
  const texts = useTexts();
  const { verification, busy, problem } = flow;
  const inDevelopment = useHasOutbox();
  if (!verification) return null;

  const wrong = problem?.__typename === 'CodeMismatch' ? explain(problem, texts) : null;
  return (
    <>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          const code = new FormData(event.currentTarget).get('one-time-code');
          if (typeof code === 'string') onCode(code);
        }}
      >
        <CodeInput
          verification={verification}
          error={wrong}
          busy={busy === 'confirm'}
          aside={
            <span className="countdown" role="timer" aria-live="off">
              {texts.code.expiresIn(formatDuration(flow.expiresIn, texts))}
            </span>
          }
          onComplete={onCode}
        />
        {wrong === null && <ErrorNotice error={problem} />}
        <Button type="submit" busy={busy === 'confirm'}>
          {texts.code.confirm}
        </Button>
      </form>

      {flow.updates === 'reconnecting' && <Notice tone="info">{texts.code.reconnecting}</Notice>}

      <div className="resend-actions">
        <Button
          variant="secondary"
          disabled={!flow.canResend}
          busy={busy === 'resend'}
          onClick={() => void flow.resend()}
        >
          {flow.resendIn > 0 ? texts.code.resendIn(formatDuration(flow.resendIn, texts)) : texts.code.resend}
        </Button>
        {verification.delivery.channel === 'SMS' && (
          <Button variant="secondary" disabled={!flow.canResend} onClick={() => void flow.resend('VOICE')}>
            {texts.code.call}
          </Button>
        )}
      </div>
      {verification.sendsRemaining === 0 && <p className="field-hint">{texts.code.noSends}</p>}
      {children}
      {inDevelopment && (
        <p className="development">
          <a href="/dev/outbox" target="_blank" rel="noreferrer">
            {texts.code.outbox}
          </a>
        </p>
      )}
    </>
  );
}
