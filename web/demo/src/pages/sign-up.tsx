import { type ReactNode } from 'react';

import { CodeEntry } from '../code/code-entry.tsx';
import { usePersistedVerification } from '../code/use-persisted-verification.ts';
import { usePreferences } from '../preferences.ts';
import { to } from '../routes.ts';
import { useTexts } from '../texts/index.ts';
import { Page } from '../ui/page.tsx';
import { ContactForm } from './contact-form.tsx';
import { SignUpDetails } from './sign-up-details.tsx';

/** Sign-up in three steps: contact, code, details. */
export function SignUp(): ReactNode {
  const texts = useTexts();
  const { language } = usePreferences();
  const flow = usePersistedVerification('/sign-up', { persistProof: true });

  if (flow.phase === 'proved') {
    return (
      <SignUpDetails
        proof={flow.proof}
        contact={flow.verification.maskedTo}
        onRestart={flow.reset}
        onDone={flow.clearStored}
      />
    );
  }
  if (flow.phase !== 'idle') {
    return <CodeEntry flow={flow} onCode={(code) => void flow.confirm(code)} onBack={flow.reset} />;
  }
  return (
    <Page
      title={texts.signUp.title}
      lead={texts.signUp.lead}
      footer={
        <>
          {texts.signUp.haveAccount} <a href={to('/sign-in')}>{texts.signUp.signIn}</a>
        </>
      }
    >
      <ContactForm
        flow={flow}
        label={texts.fields.phoneOrEmail}
        submit={texts.signUp.sendCode}
        onContact={(contact) => void flow.send({ purpose: 'SIGN_UP', to: contact, locale: language })}
      />
    </Page>
  );
}
