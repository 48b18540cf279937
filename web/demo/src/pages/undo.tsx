import { UndoContactChangeDocument } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { CodeEntry } from '../code/code-entry.tsx';
import { SpendingPage } from '../code/spending-page.tsx';
import { useSpending } from '../code/use-spending.ts';
import { go, to, tokenInAddress } from '../routes.ts';
import { session } from '../service.ts';
import { useStack } from '../stack/stack.ts';
import { Button } from '../ui/button.tsx';
import type { Trouble } from '../ui/explain.ts';
import { Field } from '../ui/field.tsx';
import { Form } from '../ui/form.tsx';
import { TroubleNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { useWords } from '../words/index.ts';

/** Takes a change of phone or e-mail back, with the token of the message that the old contact was sent. */
export function Undo(): ReactNode {
  const words = useWords();
  const stack = useStack();
  const flow = stack.useVerification();
  const undoContactChange = stack.useMutation(UndoContactChangeDocument);
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble | null>(null);

  const undo = async (token: string, proofToken: string | null): Promise<Trouble | null> => {
    const { data, failure } = await undoContactChange({ input: { token, proofToken } });
    if (failure) return failure;
    const result = data.undoContactChange;
    if (result.__typename === 'UndoConfirmationRequired') {
      flow.resume(result.verification);
      return null;
    }
    if (result.__typename !== 'UndoContactChangePayload') return result;
    // All sessions of the account are over. One in this browser may be another account's: only a renewal tells.
    const bearer = await session.accessToken().catch(() => null);
    if (bearer !== null) await session.renew(bearer).catch(() => null);
    go('/reset', 'changeUndone');
    return null;
  };
  const submit = async (token: string): Promise<void> => {
    setToken(token);
    setBusy(true);
    setTrouble(null);
    setTrouble(await undo(token, null));
    setBusy(false);
  };
  const spending = useSpending(flow, (proof) => undo(token, proof.token));

  if (flow.phase === 'proved') {
    return <SpendingPage title={words.undo.title} trouble={spending.trouble} onAgain={flow.reset} />;
  }
  if (flow.phase !== 'idle') {
    return (
      <CodeEntry
        flow={flow}
        lead={words.undo.confirmLead}
        onCode={spending.onCode}
        onAnother={flow.reset}
        another={words.code.over.again}
      />
    );
  }
  return (
    <Page title={words.undo.title} lead={words.undo.lead} foot={<a href={to('/sign-in')}>{words.reset.back}</a>}>
      <Form busy={busy} answer={trouble} onSubmit={(values) => void submit(values['token'] ?? tokenInAddress() ?? '')}>
        {tokenInAddress() === null && (
          <Field
            name="token"
            label={words.undo.token}
            hint={words.undo.tokenHint}
            autoComplete="off"
            spellCheck={false}
          />
        )}
        <TroubleNotice trouble={trouble} />
        <Button type="submit" busy={busy}>
          {words.undo.submit}
        </Button>
      </Form>
    </Page>
  );
}
