import type { UseVerification } from '@countersign/client/react';
import type { ReactNode } from 'react';

import { useHasOutbox } from '../outbox.ts';
import { Button } from '../ui/button.tsx';
import { explain } from '../ui/explain.ts';
import { Notice, TroubleNotice } from '../ui/notice.tsx';
import { span, useWords } from '../words/index.ts';
import { CodeInput } from './code-input.tsx';

export interface CodeFormProps {
  readonly flow: UseVerification;
  readonly onCode: (code: string) => void;
  /** Stands below the ways to get another message. */
  readonly children?: ReactNode;
}

/** The field for a code that is on its way, and the ways to get it once more. */
export function CodeForm({ flow, onCode, children }: CodeFormProps): ReactNode {
  const words = useWords();
  const { verification, busy, problem } = flow;
  const inDevelopment = useHasOutbox();
  if (!verification) return null;

  const wrong = problem?.__typename === 'CodeMismatch' ? explain(problem, words) : null;
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
              {words.code.expiresIn(span(flow.expiresIn, words))}
            </span>
          }
          onComplete={onCode}
        />
        {wrong === null && <TroubleNotice trouble={problem} />}
        <Button type="submit" busy={busy === 'confirm'}>
          {words.code.confirm}
        </Button>
      </form>

      {flow.updates === 'reconnecting' && <Notice tone="plain">{words.code.reconnecting}</Notice>}

      <div className="resends">
        <Button look="quiet" disabled={!flow.canResend} busy={busy === 'resend'} onClick={() => void flow.resend()}>
          {flow.resendIn > 0 ? words.code.resendIn(span(flow.resendIn, words)) : words.code.resend}
        </Button>
        {verification.delivery.channel === 'SMS' && (
          <Button look="quiet" disabled={!flow.canResend} onClick={() => void flow.resend('VOICE')}>
            {words.code.call}
          </Button>
        )}
      </div>
      {verification.sendsRemaining === 0 && <p className="field-hint">{words.code.noSends}</p>}
      {children}
      {inDevelopment && (
        <p className="development">
          <a href="/dev/outbox" target="_blank" rel="noreferrer">
            {words.code.outbox}
          </a>
        </p>
      )}
    </>
  );
}
