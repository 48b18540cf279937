import { ChangePasswordDocument } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { go, to } from '../routes.ts';
import { session } from '../service.ts';
import { useStack } from '../stack/stack.ts';
import { Button } from '../ui/button.tsx';
import { explain, type Trouble } from '../ui/explain.ts';
import { Form, type Values } from '../ui/form.tsx';
import { TroubleNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { PasswordField } from '../ui/password-field.tsx';
import { useWords } from '../words/index.ts';
import { NewPasswordField } from './new-password-field.tsx';

/** Refusals that stand beside their field, and need no notice. */
const AT_A_FIELD = ['CredentialsRejected', 'PasswordRejected'];

export function ChangePassword(): ReactNode {
  const words = useWords();
  const stack = useStack();
  const changePassword = stack.useMutation(ChangePasswordDocument);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble | null>(null);

  const submit = async ({ current = '', password = '' }: Values): Promise<void> => {
    setBusy(true);
    setTrouble(null);
    const input = { currentPassword: current, newPassword: password };
    const { data, failure } = await stack.stepUp.run(() => changePassword({ input }));
    setBusy(false);
    if (failure) setTrouble(failure);
    else if (data.changePassword.__typename !== 'ChangePasswordPayload') setTrouble(data.changePassword);
    else {
      // The account has forgotten its devices, but for this one.
      session.storeDeviceToken(data.changePassword.deviceToken);
      go('/account', 'passwordChanged');
    }
  };

  const wrong = trouble?.__typename === 'CredentialsRejected' ? explain(trouble, words) : null;
  return (
    <Page
      title={words.changePassword.title}
      lead={words.changePassword.lead}
      foot={<a href={to('/account')}>{words.change.back}</a>}
    >
      <Form busy={busy} answer={trouble} onSubmit={(values) => void submit(values)}>
        <PasswordField
          name="current"
          label={words.fields.currentPassword}
          autoComplete="current-password"
          error={wrong}
        />
        <NewPasswordField name="password" label={words.fields.newPassword} trouble={trouble} />
        {trouble && !AT_A_FIELD.includes(trouble.__typename) && <TroubleNotice trouble={trouble} />}
        <Button type="submit" busy={busy}>
          {words.reset.save}
        </Button>
      </Form>
    </Page>
  );
}
