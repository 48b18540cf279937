import { ChangeEmailDocument, ChangePhoneDocument, type ContactInput } from '@countersign/client';
import type { ReactNode } from 'react';

import { CodeEntry } from '../code/code-entry.tsx';
import { RedeemPage } from '../code/redeem-page.tsx';
import { usePersistedVerification } from '../code/use-persisted-verification.ts';
import { useRedeemProof } from '../code/use-redeem-proof.ts';
import { usePreferences } from '../preferences.ts';
import { go, to } from '../routes.ts';
import { useStack } from '../stack/stack.ts';
import { useTexts } from '../texts/index.ts';
import { Page } from '../ui/page.tsx';
import { ContactForm } from './contact-form.tsx';

/** Changes the phone number or the e-mail address, after the new contact was verified. */
export function ChangeContact({ kind }: { readonly kind: 'phone' | 'email' }): ReactNode {
  const texts = useTexts();
  const { language } = usePreferences();
  const stack = useStack();
  const flow = usePersistedVerification(`/account/${kind}`);
  const changePhone = stack.useMutation(ChangePhoneDocument);
  const changeEmail = stack.useMutation(ChangeEmailDocument);
  const { run } = stack.stepUp;
  const isPhone = kind === 'phone';
  const title = isPhone ? texts.change.phoneTitle : texts.change.emailTitle;

  const { onCode, error } = useRedeemProof(flow, async ({ token: proofToken }) => {
    const input = { proofToken };
    const { result, failure } = isPhone
      ? await run(() => changePhone({ input })).then(({ data, failure }) => ({ result: data?.changePhone, failure }))
      : await run(() => changeEmail({ input })).then(({ data, failure }) => ({ result: data?.changeEmail, failure }));
    if (result?.__typename !== 'ChangeContactPayload') return failure ?? result ?? null;
    go('/account', isPhone ? 'phoneChanged' : 'emailChanged');
    return null;
  });

  if (flow.phase === 'proved') return <RedeemPage title={title} error={error} onRestart={flow.reset} />;
  if (flow.phase !== 'idle') return <CodeEntry flow={flow} onCode={onCode} onBack={flow.reset} />;
  return (
    <Page title={title} lead={texts.change.lead} footer={<a href={to('/account')}>{texts.change.back}</a>}>
      <ContactForm
        flow={flow}
        label={isPhone ? texts.fields.newPhone : texts.fields.newEmail}
        submit={texts.change.submit}
        input={isPhone ? { type: 'tel', autoComplete: 'tel' } : { type: 'email', autoComplete: 'email' }}
        onContact={(contact) =>
          // Sending the code already needs a recent authentication.
          void run(() =>
            flow.send({
              purpose: isPhone ? 'PHONE_CHANGE' : 'EMAIL_CHANGE',
              to: ofKind(kind, contact),
              locale: language,
            }),
          )
        }
      />
    </Page>
  );
}

/** Sends the input as the expected kind of contact. The service reports what is wrong with it. */
function ofKind(kind: 'phone' | 'email', { phone, email }: ContactInput): ContactInput {
  const typed = phone ?? email;
  return kind === 'phone' ? { phone: typed } : { email: typed };
}
