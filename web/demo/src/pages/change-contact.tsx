import { ChangeEmailDocument, ChangePhoneDocument, type ContactInput } from '@countersign/client';
import type { ReactNode } from 'react';

import { CodeEntry } from '../code/code-entry.tsx';
import { SpendingPage } from '../code/spending-page.tsx';
import { useKeptVerification } from '../code/use-kept-verification.ts';
import { useSpending } from '../code/use-spending.ts';
import { usePreferences } from '../preferences.ts';
import { go, to } from '../routes.ts';
import { useStack } from '../stack/stack.ts';
import { Page } from '../ui/page.tsx';
import { useWords } from '../words/index.ts';
import { ContactForm } from './contact-form.tsx';

/** A new phone number or e-mail address: its code proves that it is in the right hands. */
export function ChangeContact({ kind }: { readonly kind: 'phone' | 'email' }): ReactNode {
  const words = useWords();
  const { language } = usePreferences();
  const stack = useStack();
  const flow = useKeptVerification(`/account/${kind}`);
  const changePhone = stack.useMutation(ChangePhoneDocument);
  const changeEmail = stack.useMutation(ChangeEmailDocument);
  const { run } = stack.stepUp;
  const isPhone = kind === 'phone';
  const title = isPhone ? words.change.phoneTitle : words.change.emailTitle;

  const { onCode, trouble } = useSpending(flow, async ({ token: proofToken }) => {
    const input = { proofToken };
    const { result, failure } = isPhone
      ? await run(() => changePhone({ input })).then(({ data, failure }) => ({ result: data?.changePhone, failure }))
      : await run(() => changeEmail({ input })).then(({ data, failure }) => ({ result: data?.changeEmail, failure }));
    if (result?.__typename !== 'ChangeContactPayload') return failure ?? result ?? null;
    go('/account', isPhone ? 'phoneChanged' : 'emailChanged');
    return null;
  });

  if (flow.phase === 'proved') return <SpendingPage title={title} trouble={trouble} onAgain={flow.reset} />;
  if (flow.phase !== 'idle') return <CodeEntry flow={flow} onCode={onCode} onAnother={flow.reset} />;
  return (
    <Page title={title} lead={words.change.lead} foot={<a href={to('/account')}>{words.change.back}</a>}>
      <ContactForm
        flow={flow}
        label={isPhone ? words.fields.newPhone : words.fields.newEmail}
        submit={words.change.submit}
        input={isPhone ? { type: 'tel', autoComplete: 'tel' } : { type: 'email', autoComplete: 'email' }}
        onContact={(contact) =>
          // Asked already here, before a message goes out, whether it is the owner.
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

/** A field for phones sends a phone, whatever was typed into it: the service says what is wrong with it. */
function ofKind(kind: 'phone' | 'email', { phone, email }: ContactInput): ContactInput {
  const typed = phone ?? email;
  return kind === 'phone' ? { phone: typed } : { email: typed };
}
