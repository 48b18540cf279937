import { SignInDocument, SignInWithProofDocument, type SignInMutation } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { CodeEntry } from '../code/code-entry.tsx';
import { SpendingPage } from '../code/spending-page.tsx';
import { useKeptVerification } from '../code/use-kept-verification.ts';
import { useSpending } from '../code/use-spending.ts';
import { deviceOf } from '../device.ts';
import { usePreferences } from '../preferences.ts';
import { flashOf, to } from '../routes.ts';
import { session } from '../service.ts';
import { useStack } from '../stack/stack.ts';
import { Choice } from '../ui/choice.tsx';
import type { Trouble } from '../ui/explain.ts';
import { Notice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { useWords } from '../words/index.ts';
import { ContactForm } from './contact-form.tsx';
import { PasswordSignIn } from './password-sign-in.tsx';

/** Takes the tokens of a sign-in, or says what stood in its way. Being signed in, the app shows the account by itself. */
function admit(result: SignInMutation['signIn']): Trouble | null {
  if (result.__typename !== 'SignInPayload') return result;
  session.signIn(result);
  return null;
}

export function SignIn(): ReactNode {
  const words = useWords();
  const { language } = usePreferences();
  const stack = useStack();
  const flow = useKeptVerification('/sign-in');
  const signIn = stack.useMutation(SignInDocument);
  const signInWithProof = stack.useMutation(SignInWithProofDocument);
  const [way, setWay] = useState<'password' | 'code'>('password');
  const flash = flashOf('/sign-in');
  const device = { deviceName: deviceOf(navigator.userAgent), deviceToken: session.deviceToken };

  const { onCode, trouble } = useSpending(flow, async ({ token }) => {
    const { data, failure } = await signInWithProof({ input: { proofToken: token, ...device } });
    return failure ?? admit(data.signInWithProof);
  });

  if (flow.phase === 'proved') {
    return <SpendingPage title={words.signIn.title} trouble={trouble} onAgain={flow.reset} />;
  }
  if (flow.phase !== 'idle') return <CodeEntry flow={flow} onCode={onCode} onAnother={flow.reset} />;

  return (
    <Page
      title={words.signIn.title}
      foot={
        <>
          {words.signIn.noAccount} <a href={to('/sign-up')}>{words.signIn.signUp}</a>
        </>
      }
    >
      {session.endReason !== null && <Notice tone="plain">{words.signIn.ended}</Notice>}
      {flash === 'passwordReset' && <Notice tone="good">{words.signIn.reset}</Notice>}
      {flash === 'accountDeleted' && <Notice tone="plain">{words.signIn.deleted}</Notice>}
      <Choice
        quiet
        label={words.signIn.how}
        options={['password', 'code']}
        chosen={way}
        nameOf={(option) => (option === 'password' ? words.signIn.withPassword : words.signIn.withCode)}
        onChoose={setWay}
      />
      {way === 'password' ? (
        <PasswordSignIn
          onSubmit={async ({ identifier = '', password = '' }) => {
            const { data, failure } = await signIn({ input: { identifier, password, ...device } });
            return failure ?? admit(data.signIn);
          }}
        />
      ) : (
        <ContactForm
          flow={flow}
          label={words.fields.phoneOrEmail}
          submit={words.signIn.sendCode}
          onContact={(contact) => void flow.send({ purpose: 'SIGN_IN', to: contact, locale: language })}
        />
      )}
    </Page>
  );
}
