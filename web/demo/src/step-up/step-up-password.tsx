import type { UseStepUp } from '@countersign/client/react';
import type { ReactNode } from 'react';

import { Button } from '../ui/button.tsx';
import { Form } from '../ui/form.tsx';
import { TroubleNotice } from '../ui/notice.tsx';
import { PasswordField } from '../ui/password-field.tsx';
import { useWords } from '../words/index.ts';

export function StepUpPassword({ stepUp }: { readonly stepUp: UseStepUp }): ReactNode {
  const words = useWords();
  const { problem, busy } = stepUp;
  const wrong = problem?.__typename === 'CredentialsRejected' ? words.stepUp.wrongPassword : null;
  return (
    <Form busy={busy} answer={problem} onSubmit={({ password = '' }) => void stepUp.withPassword(password)}>
      <PasswordField name="password" label={words.fields.password} autoComplete="current-password" error={wrong} />
      {wrong === null && problem && <TroubleNotice trouble={problem} />}
      <Button type="submit" busy={busy}>
        {words.stepUp.confirm}
      </Button>
    </Form>
  );
}
