import { DeleteAccountDocument, type DeleteAccountMutation } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { go, to } from '../routes.ts';
import { session } from '../service.ts';
import { useStack } from '../stack/stack.ts';
import { useTexts } from '../texts/index.ts';
import { Button } from '../ui/button.tsx';
import { CheckField } from '../ui/check-field.tsx';
import type { OperationError } from '../ui/explain.ts';
import { Form } from '../ui/form.tsx';
import { Notice, ErrorNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';

type HeldBack = Extract<DeleteAccountMutation['deleteAccount'], { __typename: 'DeletionHeldBack' }>;

/** Deletes the account. The step-up dialog prompts if the sign-in is not recent. */
export function DeleteAccount(): ReactNode {
  const texts = useTexts();
  const stack = useStack();
  const deleteAccount = stack.useMutation(DeleteAccountDocument);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<OperationError | HeldBack | null>(null);

  const submit = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    const { data, failure } = await stack.stepUp.run(() => deleteAccount({ input: {} }));
    setBusy(false);
    if (failure) setError(failure);
    else if (data.deleteAccount.__typename !== 'DeleteAccountPayload') setError(data.deleteAccount);
    else {
      go('/sign-in', 'accountDeleted');
      session.signOut();
    }
  };

  return (
    <Page
      title={texts.deletion.title}
      lead={texts.deletion.lead}
      footer={<a href={to('/account')}>{texts.change.back}</a>}
    >
      <Form busy={busy} result={error} onSubmit={() => void submit()}>
        <CheckField name="consent" label={texts.deletion.consent} />
        {isHeldBack(error) ? (
          <Notice tone="error">
            {error.message} {texts.deletion.allowedFrom(instant(error.until, texts.locale))}
          </Notice>
        ) : (
          <ErrorNotice error={error} />
        )}
        <Button type="submit" variant="danger" busy={busy}>
          {texts.deletion.submit}
        </Button>
      </Form>
    </Page>
  );
}

function isHeldBack(error: OperationError | HeldBack | null): error is HeldBack {
  return error?.__typename === 'DeletionHeldBack';
}

function instant(until: string, locale: string): string {
  return new Date(until).toLocaleString(locale, { dateStyle: 'long', timeStyle: 'short' });
}
