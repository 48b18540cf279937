import { type ReactNode } from 'react';

import { CodeEntry } from '../code/code-entry.tsx';
import { useKeptVerification } from '../code/use-kept-verification.ts';
import { usePreferences } from '../preferences.ts';
import { to } from '../routes.ts';
import { Page } from '../ui/page.tsx';
import { useWords } from '../words/index.ts';
import { ContactForm } from './contact-form.tsx';
import { SignUpDetails } from './sign-up-details.tsx';

/** A contact, its code, and then who it is. */
export function SignUp(): ReactNode {
  const words = useWords();
  const { language } = usePreferences();
  const flow = useKeptVerification('/sign-up', { keepsProof: true });

  if (flow.phase === 'proved') {
    return (
      <SignUpDetails
        proof={flow.proof}
        contact={flow.verification.maskedTo}
        onAgain={flow.reset}
        onDone={flow.forget}
      />
    );
  }
  if (flow.phase !== 'idle') {
    return <CodeEntry flow={flow} onCode={(code) => void flow.confirm(code)} onAnother={flow.reset} />;
  }
  return (
    <Page
      title={words.signUp.title}
      lead={words.signUp.lead}
      foot={
        <>
          {words.signUp.haveAccount} <a href={to('/sign-in')}>{words.signUp.signIn}</a>
        </>
      }
    >
      <ContactForm
        flow={flow}
        label={words.fields.phoneOrEmail}
        submit={words.signUp.sendCode}
        onContact={(contact) => void flow.send({ purpose: 'SIGN_UP', to: contact, locale: language })}
      />
    </Page>
  );
}
