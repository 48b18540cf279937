import { type ReactNode } from 'react';

import { CodeEntry } from '../code/code-entry.tsx';
import { useKeptVerification } from '../code/use-kept-verification.ts';
import { flashOf, to } from '../routes.ts';
import { Button } from '../ui/button.tsx';
import { fieldErrors } from '../ui/explain.ts';
import { Field } from '../ui/field.tsx';
import { Form } from '../ui/form.tsx';
import { Notice, TroubleNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { useWords } from '../words/index.ts';
import { NewPassword } from './new-password.tsx';

/** A new password for somebody who can say their name, date of birth and phone, and receives its messages. */
export function Reset(): ReactNode {
  const words = useWords();
  const flow = useKeptVerification('/reset', { keepsProof: true });
  const busy = flow.busy === 'send';
  const faults = fieldErrors(flow.problem);

  if (flow.phase === 'proved') return <NewPassword proof={flow.proof} onAgain={flow.reset} onDone={flow.forget} />;
  if (flow.phase !== 'idle') {
    return <CodeEntry flow={flow} onCode={(code) => void flow.confirm(code)} onAnother={flow.reset} />;
  }
  return (
    <Page title={words.reset.title} lead={words.reset.lead} foot={<a href={to('/sign-in')}>{words.reset.back}</a>}>
      {flashOf('/reset') === 'changeUndone' && <Notice tone="good">{words.reset.undone}</Notice>}
      <Form
        busy={busy}
        answer={flow.problem}
        onSubmit={({ name = '', birthDate = '', phone = '' }) =>
          void flow.requestPasswordReset({ identity: { name, birthDate, phone } })
        }
      >
        <Field name="name" label={words.fields.name} autoComplete="name" error={faults.get('name')} />
        <Field
          name="birthDate"
          type="date"
          label={words.fields.birthDate}
          autoComplete="bday"
          error={faults.get('birthDate')}
        />
        <Field name="phone" type="tel" label={words.fields.phone} autoComplete="tel" error={faults.get('phone')} />
        {faults.size === 0 && <TroubleNotice trouble={flow.problem} />}
        <Button type="submit" busy={busy}>
          {words.reset.submit}
        </Button>
      </Form>
    </Page>
  );
}
