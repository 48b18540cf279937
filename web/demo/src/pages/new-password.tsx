import { ResetPasswordDocument, type Proof } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { go } from '../routes.ts';
import { session } from '../service.ts';
import { useStack } from '../stack/stack.ts';
import { Button } from '../ui/button.tsx';
import type { Trouble } from '../ui/explain.ts';
import { Form } from '../ui/form.tsx';
import { TroubleNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { useWords } from '../words/index.ts';
import { NewPasswordField } from './new-password-field.tsx';

export interface NewPasswordProps {
  readonly proof: Proof;
  readonly onAgain: () => void;
  /** The password is changed: the proof is spent. */
  readonly onDone: () => void;
}

export function NewPassword({ proof, onAgain, onDone }: NewPasswordProps): ReactNode {
  const words = useWords();
  const resetPassword = useStack().useMutation(ResetPasswordDocument);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble | null>(null);

  const submit = async (newPassword: string): Promise<void> => {
    setBusy(true);
    setTrouble(null);
    const { data, failure } = await resetPassword({ input: { proofToken: proof.token, newPassword } });
    setBusy(false);
    if (failure) setTrouble(failure);
    else if (data.resetPassword.__typename !== 'ResetPasswordPayload') setTrouble(data.resetPassword);
    else {
      // The account has forgotten its devices, but for this one.
      session.storeDeviceToken(data.resetPassword.deviceToken);
      onDone();
      go('/sign-in', 'passwordReset');
    }
  };

  return (
    <Page title={words.reset.newTitle} lead={words.reset.newLead}>
      <Form busy={busy} answer={trouble} onSubmit={({ password = '' }) => void submit(password)}>
        <NewPasswordField name="password" label={words.fields.newPassword} trouble={trouble} />
        {trouble?.__typename !== 'PasswordRejected' && <TroubleNotice trouble={trouble} />}
        <Button type="submit" busy={busy}>
          {words.reset.save}
        </Button>
        {trouble?.__typename === 'ProofRejected' && (
          <Button look="link" onClick={onAgain}>
            {words.code.over.again}
          </Button>
        )}
      </Form>
    </Page>
  );
}
