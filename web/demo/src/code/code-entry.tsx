import type { UseVerification } from '@countersign/client/react';
import type { ReactNode } from 'react';

import { useStack } from '../stack/stack.ts';
import { Button } from '../ui/button.tsx';
import { Page } from '../ui/page.tsx';
import { useWords } from '../words/index.ts';
import { CodeForm } from './code-form.tsx';
import { DeliveryTrack } from './delivery-track.tsx';
import { Ledger } from './ledger.tsx';

export interface CodeEntryProps {
  readonly flow: UseVerification;
  readonly onCode: (code: string) => void;
  /** Back to where the contact is entered. */
  readonly onAnother: () => void;
  /** How that is called, where it is not by another contact. */
  readonly another?: string;
  /** What goes before the sentence that a code was sent. */
  readonly lead?: string;
}

/** Where the person waits for the code and enters it. What comes after the proof is the page's that shows this. */
export function CodeEntry(props: CodeEntryProps): ReactNode {
  return (
    <div className="beside">
      {props.flow.phase === 'ended' ? <CodeOver {...props} /> : <CodePending {...props} />}
      <Ledger state={props.flow} />
    </div>
  );
}

function CodePending({ flow, onCode, onAnother, another, lead }: CodeEntryProps): ReactNode {
  const { code } = useWords();
  const { run } = useStack().stepUp;
  const { verification } = flow;
  if (!verification) return null;
  // The service does not tell whether there is such an account, so the page can't promise a message.
  const isCertain = verification.purpose !== 'SIGN_IN' && verification.purpose !== 'PASSWORD_RESET';
  const sent = (isCertain ? code.sentTo : code.sentIfKnown)(verification.maskedTo);
  return (
    <Page title={code.title} lead={[lead, sent].filter(Boolean).join(' ')}>
      <DeliveryTrack verification={verification} />
      {/* A resend of a code for a change may need a recent authentication, as the first send did. */}
      <CodeForm flow={{ ...flow, resend: (channel) => run(() => flow.resend(channel)) }} onCode={onCode}>
        <Button look="link" onClick={onAnother}>
          {another ?? code.another}
        </Button>
      </CodeForm>
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
