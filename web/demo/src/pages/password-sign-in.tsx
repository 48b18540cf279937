import { useState, type ReactNode } from 'react';

import { to } from '../routes.ts';
import { useTexts } from '../texts/index.ts';
import { Button } from '../ui/button.tsx';
import type { OperationError } from '../ui/explain.ts';
import { Field } from '../ui/field.tsx';
import { Form, type Values } from '../ui/form.tsx';
import { ErrorNotice } from '../ui/notice.tsx';
import { PasswordField } from '../ui/password-field.tsx';

export interface PasswordSignInProps {
  readonly onSubmit: (values: Values) => Promise<OperationError | null>;
}

export function PasswordSignIn({ onSubmit }: PasswordSignInProps): ReactNode {
  const texts = useTexts();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<OperationError | null>(null);
  const submit = async (values: Values): Promise<void> => {
    setBusy(true);
    setError(null);
    setError(await onSubmit(values));
    setBusy(false);
  };
  return (
    <Form busy={busy} result={error} onSubmit={(values) => void submit(values)}>
      <Field
        name="identifier"
        label={texts.fields.identifier}
        autoComplete="username"
        autoCapitalize="off"
        autoCorrect="off"
        spellCheck={false}
      />
      <PasswordField name="password" label={texts.fields.password} autoComplete="current-password" />
      <ErrorNotice error={error} />
      <Button type="submit" busy={busy}>
        {texts.signIn.submit}
      </Button>
      <a className="form-link" href={to('/reset')}>
        {texts.signIn.forgot}
      </a>
    </Form>
  );
}
