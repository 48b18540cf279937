import { useState, type ReactNode } from 'react';

import { to } from '../routes.ts';
import { Button } from '../ui/button.tsx';
import type { Trouble } from '../ui/explain.ts';
import { Field } from '../ui/field.tsx';
import { Form, type Values } from '../ui/form.tsx';
import { TroubleNotice } from '../ui/notice.tsx';
import { PasswordField } from '../ui/password-field.tsx';
import { useWords } from '../words/index.ts';

export interface PasswordSignInProps {
  readonly onSubmit: (values: Values) => Promise<Trouble | null>;
}

export function PasswordSignIn({ onSubmit }: PasswordSignInProps): ReactNode {
  const words = useWords();
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const submit = async (values: Values): Promise<void> => {
    setBusy(true);
    setTrouble(null);
    setTrouble(await onSubmit(values));
    setBusy(false);
  };
  return (
    <Form busy={busy} answer={trouble} onSubmit={(values) => void submit(values)}>
      <Field
        name="identifier"
        label={words.fields.identifier}
        autoComplete="username"
        autoCapitalize="off"
        autoCorrect="off"
        spellCheck={false}
      />
      <PasswordField name="password" label={words.fields.password} autoComplete="current-password" />
      <TroubleNotice trouble={trouble} />
      <Button type="submit" busy={busy}>
        {words.signIn.submit}
      </Button>
      <a className="aside" href={to('/reset')}>
        {words.signIn.forgot}
      </a>
    </Form>
  );
}
