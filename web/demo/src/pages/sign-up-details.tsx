import { SignUpDocument, type Proof } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { describeDevice } from '../device.ts';
import { session } from '../service.ts';
import { useStack } from '../stack/stack.ts';
import { remove } from '../tab-storage.ts';
import { useTexts } from '../texts/index.ts';
import { Button } from '../ui/button.tsx';
import { fieldErrors, type OperationError } from '../ui/explain.ts';
import { Field } from '../ui/field.tsx';
import { Form, type Values } from '../ui/form.tsx';
import { ErrorNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { NewPasswordField } from './new-password-field.tsx';
import { UsernameField } from './username-field.tsx';

export interface SignUpDetailsProps {
  readonly proof: Proof;
  readonly contact: string;
  readonly onRestart: () => void;
  /** Called after the account was created and the proof redeemed. */
  readonly onDone: () => void;
}

const TYPED = 'countersign.typed /sign-up';

/** Refusals that are shown at their field instead of in a notice. */
const FIELD_ERRORS = ['InvalidInput', 'PasswordRejected', 'UsernameTaken'];

export function SignUpDetails({ proof, contact, onRestart, onDone }: SignUpDetailsProps): ReactNode {
  const texts = useTexts();
  const signUp = useStack().useMutation(SignUpDocument);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<OperationError | null>(null);
  const [isPendingApproval, setPendingApproval] = useState(false);
  const errors = fieldErrors(error);

  const submit = async ({ username = '', password = '', name = '', birthDate = '' }: Values): Promise<void> => {
    setBusy(true);
    setError(null);
    const device = { deviceName: describeDevice(navigator.userAgent), deviceToken: session.deviceToken };
    const input = { proofToken: proof.token, username, password, name, birthDate, ...device };
    const { data, failure } = await signUp({ input });
    setBusy(false);
    if (failure || data.signUp.__typename !== 'SignUpPayload') {
      setError(failure ?? (data.signUp as OperationError));
      return;
    }
    onDone();
    remove(TYPED);
    if (data.signUp.tokens) session.signIn({ ...data.signUp, tokens: data.signUp.tokens });
    else setPendingApproval(true);
  };

  if (isPendingApproval) {
    return <Page title={texts.signUp.pendingTitle} lead={texts.signUp.pending} children={null} />;
  }
  return (
    <Page title={texts.signUp.detailsTitle} lead={texts.signUp.detailsLead(contact)}>
      <Form busy={busy} result={error} storageKey={TYPED} onSubmit={(values) => void submit(values)}>
        <UsernameField error={error?.__typename === 'UsernameTaken' ? texts.signUp.taken : errors.get('username')} />
        <NewPasswordField name="password" label={texts.fields.password} error={error} />
        <Field
          name="name"
          label={texts.fields.name}
          autoComplete="name"
          hint={texts.signUp.nameHint}
          error={errors.get('name')}
        />
        <Field
          name="birthDate"
          type="date"
          label={texts.fields.birthDate}
          autoComplete="bday"
          max={new Date().toISOString().slice(0, 10)}
          error={errors.get('birthDate')}
        />
        {error && !FIELD_ERRORS.includes(error.__typename) && <ErrorNotice error={error} />}
        <Button type="submit" busy={busy}>
          {texts.signUp.submit}
        </Button>
        {error?.__typename === 'ProofRejected' && (
          <Button variant="link" onClick={onRestart}>
            {texts.signUp.restart}
          </Button>
        )}
      </Form>
    </Page>
  );
}
