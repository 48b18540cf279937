import type { UseVerification } from '@countersign/client/react';
import { use, type ReactNode } from 'react';

import { hasOutbox } from '../service.ts';
import { Button } from '../ui/button.tsx';
import { explain } from '../ui/explain.ts';
import { Notice, TroubleNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { span, useWords } from '../words/index.ts';
import { CodeInput } from './code-input.tsx';
import { DeliveryTrack } from './delivery-track.tsx';
import { Ledger } from './ledger.tsx';

export interface CodeEntryProps {
  readonly flow: UseVerification;
  readonly onCode: (code: string) => void;
  /** Back to where the contact is entered. */
  readonly onAnother: () => void;
}

/** Where the person waits for the code and enters it. What comes after the proof is the page's that shows this. */
export function CodeEntry(props: CodeEntryProps): ReactNode {
  return (
    <div className="beside">
      {props.flow.phase === 'over' ? <CodeOver {...props} /> : <CodeForm {...props} />}
      <Ledger state={props.flow} />
    </div>
  );
}

function CodeForm({ flow, onCode, onAnother }: CodeEntryProps): ReactNode {
  const words = useWords();
  const { verification, busy, problem } = flow;
  const inDevelopment = use(hasOutbox);
  if (!verification) return null;

  const wrong = problem?.__typename === 'CodeMismatch' ? explain(problem, words) : null;
  const canCall = verification.delivery.channel === 'SMS';
  return (
    <Page title={words.code.title} lead={words.code.sentTo(verification.maskedTo)}>
      <DeliveryTrack verification={verification} />
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

      {flow.news === 'late' && <Notice tone="plain">{words.code.reconnecting}</Notice>}

      <div className="resends">
        <Button look="quiet" disabled={!flow.canResend} busy={busy === 'resend'} onClick={() => void flow.resend()}>
          {flow.resendIn > 0 ? words.code.resendIn(span(flow.resendIn, words)) : words.code.resend}
        </Button>
        {canCall && (
          <Button look="quiet" disabled={!flow.canResend} onClick={() => void flow.resend('VOICE')}>
            {words.code.call}
          </Button>
        )}
      </div>
      {verification.sendsRemaining === 0 && <p className="field-hint">{words.code.noSends}</p>}
      <Button look="link" onClick={onAnother}>
        {words.code.another}
      </Button>
      {inDevelopment && (
        <p className="development">
          <a href="/dev/outbox" target="_blank" rel="noreferrer">
            {words.code.outbox}
          </a>
        </p>
      )}
    </Page>
  );
}

function CodeOver({ flow, onAnother }: CodeEntryProps): ReactNode {
  const { code } = useWords();
  return (
    <Page title={code.over.title} lead={code.over[flow.verification?.status ?? 'PENDING']}>
      <Button onClick={onAnother}>{code.over.again}</Button>
    </Page>
  );
}
