import type { UseVerification } from '@countersign/client/react';
import type { ReactNode } from 'react';

import { useStack } from '../stack/stack.ts';
import { useTexts } from '../texts/index.ts';
import { Button } from '../ui/button.tsx';
import { Page } from '../ui/page.tsx';
import { CodeForm } from './code-form.tsx';
import { DeliveryTrack } from './delivery-track.tsx';
import { StatusHistory } from './status-history.tsx';

export interface CodeEntryProps {
  readonly flow: UseVerification;
  readonly onCode: (code: string) => void;
  /** Returns to the contact form. */
  readonly onBack: () => void;
  /** The label of the back button. Default: use a different contact. */
  readonly backLabel?: string;
  /** Shown before the sentence that a code was sent. */
  readonly lead?: string;
}

/** The step in which the user waits for the code and enters it. The page that renders it handles the proof. */
export function CodeEntry(props: CodeEntryProps): ReactNode {
  return (
    <div className="columns">
      {props.flow.phase === 'ended' ? <CodeEnded {...props} /> : <CodePending {...props} />}
      <StatusHistory state={props.flow} />
    </div>
  );
}

function CodePending({ flow, onCode, onBack, backLabel, lead }: CodeEntryProps): ReactNode {
  const { code } = useTexts();
  const { run } = useStack().stepUp;
  const { verification } = flow;
  if (!verification) return null;
  // The service does not disclose whether the account exists, so the page must not promise a message.
  const isCertain = verification.purpose !== 'SIGN_IN' && verification.purpose !== 'PASSWORD_RESET';
  const sent = (isCertain ? code.sentTo : code.sentIfKnown)(verification.maskedTo);
  return (
    <Page title={code.title} lead={[lead, sent].filter(Boolean).join(' ')}>
      <DeliveryTrack verification={verification} />
      {/* Like the first send, a resend for a contact change may need a recent authentication. */}
      <CodeForm flow={{ ...flow, resend: (channel) => run(() => flow.resend(channel)) }} onCode={onCode}>
        <Button variant="link" onClick={onBack}>
          {backLabel ?? code.useOtherContact}
        </Button>
      </CodeForm>
    </Page>
  );
}

function CodeEnded({ flow, onBack }: CodeEntryProps): ReactNode {
  const { code } = useTexts();
  return (
    <Page title={code.ended.title} lead={code.ended[flow.verification?.status ?? 'PENDING']}>
      <Button onClick={onBack}>{code.ended.restart}</Button>
    </Page>
  );
}
