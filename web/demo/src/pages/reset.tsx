import { type ReactNode } from 'react';

import { CodeEntry } from '../code/code-entry.tsx';
import { usePersistedVerification } from '../code/use-persisted-verification.ts';
import { flashOf, to } from '../routes.ts';
import { useTexts } from '../texts/index.ts';
import { Button } from '../ui/button.tsx';
import { fieldErrors } from '../ui/explain.ts';
import { Field } from '../ui/field.tsx';
import { Form } from '../ui/form.tsx';
import { Notice, ErrorNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { NewPassword } from './new-password.tsx';

/** Resets the password by name, date of birth and phone number, and a code sent to that number. */
export function Reset(): ReactNode {
  const texts = useTexts();
  const flow = usePersistedVerification('/reset', { persistProof: true });
  const busy = flow.busy === 'send';
  const errors = fieldErrors(flow.problem);

  if (flow.phase === 'proved')
    return <NewPassword proof={flow.proof} onRestart={flow.reset} onDone={flow.clearStored} />;
  if (flow.phase !== 'idle') {
    return <CodeEntry flow={flow} onCode={(code) => void flow.confirm(code)} onBack={flow.reset} />;
  }
  return (
    <Page title={texts.reset.title} lead={texts.reset.lead} footer={<a href={to('/sign-in')}>{texts.reset.back}</a>}>
      {flashOf('/reset') === 'changeUndone' && <Notice tone="success">{texts.reset.undone}</Notice>}
      <Form
        busy={busy}
        result={flow.problem}
        onSubmit={({ name = '', birthDate = '', phone = '' }) =>
          void flow.requestPasswordReset({ identity: { name, birthDate, phone } })
        }
      >
        <Field name="name" label={texts.fields.name} autoComplete="name" error={errors.get('name')} />
        <Field
          name="birthDate"
          type="date"
          label={texts.fields.birthDate}
          autoComplete="bday"
          error={errors.get('birthDate')}
        />
        <Field name="phone" type="tel" label={texts.fields.phone} autoComplete="tel" error={errors.get('phone')} />
        {errors.size === 0 && <ErrorNotice error={flow.problem} />}
        <Button type="submit" busy={busy}>
          {texts.reset.submit}
        </Button>
      </Form>
    </Page>
  );
}
