import type { ContactInput } from '@countersign/client';
import type { UseVerification } from '@countersign/client/react';
import type { ComponentPropsWithoutRef, ReactNode } from 'react';

import { parseContact } from '../contact.ts';
import { Button } from '../ui/button.tsx';
import { fieldErrors } from '../ui/explain.ts';
import { Field } from '../ui/field.tsx';
import { Form } from '../ui/form.tsx';
import { ErrorNotice } from '../ui/notice.tsx';

export interface ContactFormProps {
  readonly flow: UseVerification;
  readonly label: string;
  readonly submit: string;
  readonly input?: ComponentPropsWithoutRef<'input'>;
  readonly onContact: (contact: ContactInput) => void;
}

/** The form for the contact that the code is sent to. */
export function ContactForm({ flow, label, submit, input, onContact }: ContactFormProps): ReactNode {
  const [fault] = fieldErrors(flow.problem).values();
  const busy = flow.busy === 'send';
  return (
    <Form
      busy={busy}
      result={flow.problem}
      onSubmit={({ contact = '' }) => {
        onContact(parseContact(contact));
      }}
    >
      <Field
        autoComplete="username"
        autoCapitalize="off"
        autoCorrect="off"
        spellCheck={false}
        {...input}
        name="contact"
        label={label}
        error={fault}
      />
      {fault === undefined && <ErrorNotice error={flow.problem} />}
      <Button type="submit" busy={busy}>
        {submit}
      </Button>
    </Form>
  );
}
