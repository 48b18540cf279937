import { ChangePasswordDocument } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { go, to } from '../routes.ts';
import { session } from '../service.ts';
import { useStack } from '../stack/stack.ts';
import { useTexts } from '../texts/index.ts';
import { Button } from '../ui/button.tsx';
import { explain, type OperationError } from '../ui/explain.ts';
import { Form, type Values } from '../ui/form.tsx';
import { ErrorNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { PasswordField } from '../ui/password-field.tsx';
import { NewPasswordField } from './new-password-field.tsx';

/** Refusals that are shown at their field instead of in a notice. */
const FIELD_ERRORS = ['CredentialsRejected', 'PasswordRejected'];

export function ChangePassword(): ReactNode {
  const texts = useTexts();
  const stack = useStack();
  const changePassword = stack.useMutation(ChangePasswordDocument);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<OperationError | null>(null);

  const submit = async ({ current = '', password = '' }: Values): Promise<void> => {
    setBusy(true);
    setError(null);
    const input = { currentPassword: current, newPassword: password };
    const { data, failure } = await stack.stepUp.run(() => changePassword({ input }));
    setBusy(false);
    if (failure) setError(failure);
    else if (data.changePassword.__typename !== 'ChangePasswordPayload') setError(data.changePassword);
    else {
      // The service has revoked all device tokens and issued a new one to this device.
      session.storeDeviceToken(data.changePassword.deviceToken);
      go('/account', 'passwordChanged');
    }
  };

  const wrong = error?.__typename === 'CredentialsRejected' ? explain(error, texts) : null;
  return (
    <Page
      title={texts.changePassword.title}
      lead={texts.changePassword.lead}
      footer={<a href={to('/account')}>{texts.change.back}</a>}
    >
      <Form busy={busy} result={error} onSubmit={(values) => void submit(values)}>
        <PasswordField
          name="current"
          label={texts.fields.currentPassword}
          autoComplete="current-password"
          error={wrong}
        />
        <NewPasswordField name="password" label={texts.fields.newPassword} error={error} />
        {error && !FIELD_ERRORS.includes(error.__typename) && <ErrorNotice error={error} />}
        <Button type="submit" busy={busy}>
          {texts.reset.save}
        </Button>
      </Form>
    </Page>
  );
}
