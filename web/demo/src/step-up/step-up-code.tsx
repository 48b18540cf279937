import { MeDocument, type ContactInput } from '@countersign/client';
import type { UseStepUp, UseVerification } from '@countersign/client/react';
import type { ReactNode } from 'react';

import { CodeForm } from '../code/code-form.tsx';
import { useSpending } from '../code/use-spending.ts';
import { readable } from '../phone.ts';
import { usePreferences } from '../preferences.ts';
import { useStack } from '../stack/stack.ts';
import { Button } from '../ui/button.tsx';
import { fieldErrors } from '../ui/explain.ts';
import { Form } from '../ui/form.tsx';
import { Notice, TroubleNotice } from '../ui/notice.tsx';
import { useWords } from '../words/index.ts';

export interface StepUpCodeProps {
  readonly stepUp: UseStepUp;
  /** To which of the account's contacts. */
  readonly kind: 'phone' | 'email';
}

export function StepUpCode({ stepUp, kind }: StepUpCodeProps): ReactNode {
  const { code } = useWords();
  const flow = useStack().useVerification();
  const { onCode } = useSpending(flow, async ({ token }) => {
    await stepUp.withProof(token);
    return null;
  });

  if (flow.phase === 'idle') return <SendCode kind={kind} flow={flow} />;
  if (flow.phase === 'waiting') {
    return (
      <>
        <p className="lead">{code.sentTo(flow.verification.maskedTo)}</p>
        <CodeForm flow={flow} onCode={onCode} />
      </>
    );
  }
  const { problem } = stepUp;
  return (
    <div className="form">
      {flow.phase === 'ended' && <Notice tone="trouble">{code.over[flow.verification.status]}</Notice>}
      {flow.phase === 'proved' && <TroubleNotice trouble={problem} />}
      <Button busy={flow.phase === 'proved' && problem === null} onClick={flow.reset}>
        {code.over.again}
      </Button>
    </div>
  );
}

interface SendCodeProps {
  readonly kind: 'phone' | 'email';
  readonly flow: UseVerification;
}

function SendCode({ kind, flow }: SendCodeProps): ReactNode {
  const words = useWords();
  const { language } = usePreferences();
  const { data, failure } = useStack().useQuery(MeDocument, {});
  const contact = data?.me?.[kind] ?? null;
  const busy = flow.busy === 'send';
  // There is no field for the contact: what the service says of it stands on its own.
  const [fault] = fieldErrors(flow.problem).values();
  const to = (value: string): ContactInput => (kind === 'phone' ? { phone: value } : { email: value });
  return (
    <Form
      busy={busy}
      answer={flow.problem}
      onSubmit={() => {
        if (contact !== null) void flow.send({ purpose: 'STEP_UP', to: to(contact), locale: language });
      }}
    >
      {contact !== null && (
        <p>
          {words.stepUp.sendTo} <strong className="contact">{kind === 'phone' ? readable(contact) : contact}</strong>
        </p>
      )}
      {fault === undefined ? (
        <TroubleNotice trouble={flow.problem ?? failure} />
      ) : (
        <Notice tone="trouble">{fault}</Notice>
      )}
      <Button type="submit" busy={busy} disabled={contact === null}>
        {words.signIn.sendCode}
      </Button>
    </Form>
  );
}
