import { MeDocument, type ContactInput } from '@countersign/client';
import type { UseStepUp, UseVerification } from '@countersign/client/react';
import type { ReactNode } from 'react';

import { CodeForm } from '../code/code-form.tsx';
import { useRedeemProof } from '../code/use-redeem-proof.ts';
import { formatPhone } from '../phone.ts';
import { usePreferences } from '../preferences.ts';
import { useStack } from '../stack/stack.ts';
import { useTexts } from '../texts/index.ts';
import { Button } from '../ui/button.tsx';
import { fieldErrors } from '../ui/explain.ts';
import { Form } from '../ui/form.tsx';
import { Notice, ErrorNotice } from '../ui/notice.tsx';

export interface StepUpCodeProps {
  readonly stepUp: UseStepUp;
  /** The contact of the account that the code is sent to. */
  readonly kind: 'phone' | 'email';
}

export function StepUpCode({ stepUp, kind }: StepUpCodeProps): ReactNode {
  const { code } = useTexts();
  const flow = useStack().useVerification();
  const { onCode } = useRedeemProof(flow, async ({ token }) => {
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
      {flow.phase === 'ended' && <Notice tone="error">{code.ended[flow.verification.status]}</Notice>}
      {flow.phase === 'proved' && <ErrorNotice error={problem} />}
      <Button busy={flow.phase === 'proved' && problem === null} onClick={flow.reset}>
        {code.ended.restart}
      </Button>
    </div>
  );
}

interface SendCodeProps {
  readonly kind: 'phone' | 'email';
  readonly flow: UseVerification;
}

function SendCode({ kind, flow }: SendCodeProps): ReactNode {
  const texts = useTexts();
  const { language } = usePreferences();
  const { data, failure } = useStack().useQuery(MeDocument, {});
  const contact = data?.me?.[kind] ?? null;
  const busy = flow.busy === 'send';
  // There is no input for the contact, so its errors are shown in a notice.
  const [fault] = fieldErrors(flow.problem).values();
  const to = (value: string): ContactInput => (kind === 'phone' ? { phone: value } : { email: value });
  return (
    <Form
      busy={busy}
      result={flow.problem}
      onSubmit={() => {
        if (contact !== null) void flow.send({ purpose: 'STEP_UP', to: to(contact), locale: language });
      }}
    >
      {contact !== null && (
        <p>
          {texts.stepUp.sendTo} <strong className="contact">{kind === 'phone' ? formatPhone(contact) : contact}</strong>
        </p>
      )}
      {fault === undefined ? <ErrorNotice error={flow.problem ?? failure} /> : <Notice tone="error">{fault}</Notice>}
      <Button type="submit" busy={busy} disabled={contact === null}>
        {texts.signIn.sendCode}
      </Button>
    </Form>
  );
}
