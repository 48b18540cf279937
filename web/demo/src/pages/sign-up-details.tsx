import { SignUpDocument, type Proof } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { deviceOf } from '../device.ts';
import { forget } from '../kept.ts';
import { session } from '../service.ts';
import { useStack } from '../stack/stack.ts';
import { Button } from '../ui/button.tsx';
import { fieldErrors, type Trouble } from '../ui/explain.ts';
import { Field } from '../ui/field.tsx';
import { Form, type Values } from '../ui/form.tsx';
import { TroubleNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { useWords } from '../words/index.ts';
import { NewPasswordField } from './new-password-field.tsx';
import { UsernameField } from './username-field.tsx';

export interface SignUpDetailsProps {
  readonly proof: Proof;
  readonly contact: string;
  readonly onAgain: () => void;
  /** The account is made: the proof is spent. */
  readonly onDone: () => void;
}

const TYPED = 'countersign.typed /sign-up';

/** Refusals that stand beside their field, and need no notice. */
const AT_A_FIELD = ['InvalidInput', 'PasswordRejected', 'UsernameTaken'];

export function SignUpDetails({ proof, contact, onAgain, onDone }: SignUpDetailsProps): ReactNode {
  const words = useWords();
  const signUp = useStack().useMutation(SignUpDocument);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const [isWaiting, setWaiting] = useState(false);
  const faults = fieldErrors(trouble);

  const submit = async ({ username = '', password = '', name = '', birthDate = '' }: Values): Promise<void> => {
    setBusy(true);
    setTrouble(null);
    const device = { deviceName: deviceOf(navigator.userAgent), deviceToken: session.deviceToken };
    const input = { proofToken: proof.token, username, password, name, birthDate, ...device };
    const { data, failure } = await signUp({ input });
    setBusy(false);
    if (failure || data.signUp.__typename !== 'SignUpPayload') {
      setTrouble(failure ?? (data.signUp as Trouble));
      return;
    }
    onDone();
    forget(TYPED);
    if (data.signUp.tokens) session.signIn({ ...data.signUp, tokens: data.signUp.tokens });
    else setWaiting(true);
  };

  if (isWaiting) {
    return <Page title={words.signUp.waitingTitle} lead={words.signUp.waiting} children={null} />;
  }
  return (
    <Page title={words.signUp.detailsTitle} lead={words.signUp.detailsLead(contact)}>
      <Form busy={busy} answer={trouble} keptAs={TYPED} onSubmit={(values) => void submit(values)}>
        <UsernameField error={trouble?.__typename === 'UsernameTaken' ? words.signUp.taken : faults.get('username')} />
        <NewPasswordField name="password" label={words.fields.password} trouble={trouble} />
        <Field
          name="name"
          label={words.fields.name}
          autoComplete="name"
          hint={words.signUp.nameHint}
          error={faults.get('name')}
        />
        <Field
          name="birthDate"
          type="date"
          label={words.fields.birthDate}
          autoComplete="bday"
          max={new Date().toISOString().slice(0, 10)}
          error={faults.get('birthDate')}
        />
        {trouble && !AT_A_FIELD.includes(trouble.__typename) && <TroubleNotice trouble={trouble} />}
        <Button type="submit" busy={busy}>
          {words.signUp.submit}
        </Button>
        {trouble?.__typename === 'ProofRejected' && (
          <Button look="link" onClick={onAgain}>
            {words.signUp.startAgain}
          </Button>
        )}
      </Form>
    </Page>
  );
}
