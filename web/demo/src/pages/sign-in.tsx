import { SignInDocument, SignInWithProofDocument, type SignInMutation } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { CodeEntry } from '../code/code-entry.tsx';
import { RedeemPage } from '../code/redeem-page.tsx';
import { usePersistedVerification } from '../code/use-persisted-verification.ts';
import { useRedeemProof } from '../code/use-redeem-proof.ts';
import { describeDevice } from '../device.ts';
import { usePreferences } from '../preferences.ts';
import { flashOf, to } from '../routes.ts';
import { session } from '../service.ts';
import { useStack } from '../stack/stack.ts';
import { useTexts } from '../texts/index.ts';
import { Choice } from '../ui/choice.tsx';
import type { OperationError } from '../ui/explain.ts';
import { Notice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { ContactForm } from './contact-form.tsx';
import { PasswordSignIn } from './password-sign-in.tsx';

/** Stores the tokens of a sign-in, or returns the refusal. `App` shows the account page after a sign-in. */
function acceptSignIn(result: SignInMutation['signIn']): OperationError | null {
  if (result.__typename !== 'SignInPayload') return result;
  session.signIn(result);
  return null;
}

export function SignIn(): ReactNode {
  const texts = useTexts();
  const { language } = usePreferences();
  const stack = useStack();
  const flow = usePersistedVerification('/sign-in');
  const signIn = stack.useMutation(SignInDocument);
  const signInWithProof = stack.useMutation(SignInWithProofDocument);
  const [method, setMethod] = useState<'password' | 'code'>('password');
  const flash = flashOf('/sign-in');
  const device = { deviceName: describeDevice(navigator.userAgent), deviceToken: session.deviceToken };

  const { onCode, error } = useRedeemProof(flow, async ({ token }) => {
    const { data, failure } = await signInWithProof({ input: { proofToken: token, ...device } });
    return failure ?? acceptSignIn(data.signInWithProof);
  });

  if (flow.phase === 'proved') {
    return <RedeemPage title={texts.signIn.title} error={error} onRestart={flow.reset} />;
  }
  if (flow.phase !== 'idle') return <CodeEntry flow={flow} onCode={onCode} onBack={flow.reset} />;

  return (
    <Page
      title={texts.signIn.title}
      footer={
        <>
          {texts.signIn.noAccount} <a href={to('/sign-up')}>{texts.signIn.signUp}</a>
        </>
      }
    >
      {session.endReason !== null && <Notice tone="info">{texts.signIn.ended}</Notice>}
      {flash === 'passwordReset' && <Notice tone="success">{texts.signIn.reset}</Notice>}
      {flash === 'accountDeleted' && <Notice tone="info">{texts.signIn.deleted}</Notice>}
      <Choice
        hideLabel
        label={texts.signIn.methodLabel}
        options={['password', 'code']}
        chosen={method}
        nameOf={(option) => (option === 'password' ? texts.signIn.withPassword : texts.signIn.withCode)}
        onChoose={setMethod}
      />
      {method === 'password' ? (
        <PasswordSignIn
          onSubmit={async ({ identifier = '', password = '' }) => {
            const { data, failure } = await signIn({ input: { identifier, password, ...device } });
            return failure ?? acceptSignIn(data.signIn);
          }}
        />
      ) : (
        <ContactForm
          flow={flow}
          label={texts.fields.phoneOrEmail}
          submit={texts.signIn.sendCode}
          onContact={(contact) => void flow.send({ purpose: 'SIGN_IN', to: contact, locale: language })}
        />
      )}
    </Page>
  );
}
