import type { UseStepUp } from '@countersign/client/react';
import type { ReactNode } from 'react';

import { useTexts } from '../texts/index.ts';
import { Button } from '../ui/button.tsx';
import { Form } from '../ui/form.tsx';
import { ErrorNotice } from '../ui/notice.tsx';
import { PasswordField } from '../ui/password-field.tsx';

export function StepUpPassword({ stepUp }: { readonly stepUp: UseStepUp }): ReactNode {
  const texts = useTexts();
  const { problem, busy } = stepUp;
  const wrong = problem?.__typename === 'CredentialsRejected' ? texts.stepUp.wrongPassword : null;
  return (
    <Form busy={busy} result={problem} onSubmit={({ password = '' }) => void stepUp.withPassword(password)}>
      <PasswordField name="password" label={texts.fields.password} autoComplete="current-password" error={wrong} />
      {wrong === null && problem && <ErrorNotice error={problem} />}
      <Button type="submit" busy={busy}>
        {texts.stepUp.confirm}
      </Button>
    </Form>
  );
}
