import { DeleteAccountDocument, type DeleteAccountMutation } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { go, to } from '../routes.ts';
import { session } from '../service.ts';
import { useStack } from '../stack/stack.ts';
import { Button } from '../ui/button.tsx';
import { CheckField } from '../ui/check-field.tsx';
import type { Trouble } from '../ui/explain.ts';
import { Form } from '../ui/form.tsx';
import { Notice, TroubleNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { useWords } from '../words/index.ts';

type HeldBack = Extract<DeleteAccountMutation['deleteAccount'], { __typename: 'DeletionHeldBack' }>;

/** Erases the account. Whoever signed in a while ago is asked who they are by the dialog. */
export function DeleteAccount(): ReactNode {
  const words = useWords();
  const stack = useStack();
  const deleteAccount = stack.useMutation(DeleteAccountDocument);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble | HeldBack | null>(null);

  const submit = async (): Promise<void> => {
    setBusy(true);
    setTrouble(null);
    const { data, failure } = await stack.stepUp.run(() => deleteAccount({ input: {} }));
    setBusy(false);
    if (failure) setTrouble(failure);
    else if (data.deleteAccount.__typename !== 'DeleteAccountPayload') setTrouble(data.deleteAccount);
    else {
      go('/sign-in', 'accountDeleted');
      session.signOut();
    }
  };

  return (
    <Page
      title={words.deletion.title}
      lead={words.deletion.lead}
      foot={<a href={to('/account')}>{words.change.back}</a>}
    >
      <Form busy={busy} answer={trouble} onSubmit={() => void submit()}>
        <CheckField name="sure" label={words.deletion.sure} />
        {isHeldBack(trouble) ? (
          <Notice tone="trouble">
            {trouble.message} {words.deletion.possibleFrom(instant(trouble.until, words.locale))}
          </Notice>
        ) : (
          <TroubleNotice trouble={trouble} />
        )}
        <Button type="submit" look="danger" busy={busy}>
          {words.deletion.submit}
        </Button>
      </Form>
    </Page>
  );
}

function isHeldBack(trouble: Trouble | HeldBack | null): trouble is HeldBack {
  return trouble?.__typename === 'DeletionHeldBack';
}

function instant(until: string, locale: string): string {
  return new Date(until).toLocaleString(locale, { dateStyle: 'long', timeStyle: 'short' });
}
