import { ResetPasswordDocument, type Proof } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { go } from '../routes.ts';
import { session } from '../service.ts';
import { useStack } from '../stack/stack.ts';
import { useTexts } from '../texts/index.ts';
import { Button } from '../ui/button.tsx';
import type { OperationError } from '../ui/explain.ts';
import { Form } from '../ui/form.tsx';
import { ErrorNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { NewPasswordField } from './new-password-field.tsx';

export interface NewPasswordProps {
  readonly proof: Proof;
  readonly onRestart: () => void;
  /** Called after the password was changed and the proof redeemed. */
  readonly onDone: () => void;
}

export function NewPassword({ proof, onRestart, onDone }: NewPasswordProps): ReactNode {
  const texts = useTexts();
  const resetPassword = useStack().useMutation(ResetPasswordDocument);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<OperationError | null>(null);

  const submit = async (newPassword: string): Promise<void> => {
    setBusy(true);
    setError(null);
    const { data, failure } = await resetPassword({ input: { proofToken: proof.token, newPassword } });
    setBusy(false);
    if (failure) setError(failure);
    else if (data.resetPassword.__typename !== 'ResetPasswordPayload') setError(data.resetPassword);
    else {
      // The service has revoked all device tokens and issued a new one to this device.
      session.storeDeviceToken(data.resetPassword.deviceToken);
      onDone();
      go('/sign-in', 'passwordReset');
    }
  };

  return (
    <Page title={texts.reset.newTitle} lead={texts.reset.newLead}>
      <Form busy={busy} result={error} onSubmit={({ password = '' }) => void submit(password)}>
        <NewPasswordField name="password" label={texts.fields.newPassword} error={error} />
        {error?.__typename !== 'PasswordRejected' && <ErrorNotice error={error} />}
        <Button type="submit" busy={busy}>
          {texts.reset.save}
        </Button>
        {error?.__typename === 'ProofRejected' && (
          <Button variant="link" onClick={onRestart}>
            {texts.code.ended.restart}
          </Button>
        )}
      </Form>
    </Page>
  );
}
