import { UndoContactChangeDocument } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { CodeEntry } from '../code/code-entry.tsx';
import { RedeemPage } from '../code/redeem-page.tsx';
import { useRedeemProof } from '../code/use-redeem-proof.ts';
import { go, to, tokenInUrl } from '../routes.ts';
import { session } from '../service.ts';
import { useStack } from '../stack/stack.ts';
import { useTexts } from '../texts/index.ts';
import { Button } from '../ui/button.tsx';
import type { OperationError } from '../ui/explain.ts';
import { Field } from '../ui/field.tsx';
import { Form } from '../ui/form.tsx';
import { ErrorNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';

/** Undoes a change of the phone number or the e-mail address, with the token that was sent to the old contact. */
export function Undo(): ReactNode {
  const texts = useTexts();
  const stack = useStack();
  const flow = stack.useVerification();
  const undoContactChange = stack.useMutation(UndoContactChangeDocument);
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<OperationError | null>(null);

  const undo = async (token: string, proofToken: string | null): Promise<OperationError | null> => {
    const { data, failure } = await undoContactChange({ input: { token, proofToken } });
    if (failure) return failure;
    const result = data.undoContactChange;
    if (result.__typename === 'UndoConfirmationRequired') {
      flow.resume(result.verification);
      return null;
    }
    if (result.__typename !== 'UndoContactChangePayload') return result;
    // All sessions of the account have ended. This browser may have a session of another account: a renewal finds out.
    const bearer = await session.accessToken().catch(() => null);
    if (bearer !== null) await session.renew(bearer).catch(() => null);
    go('/reset', 'changeUndone');
    return null;
  };
  const submit = async (token: string): Promise<void> => {
    setToken(token);
    setBusy(true);
    setError(null);
    setError(await undo(token, null));
    setBusy(false);
  };
  const redemption = useRedeemProof(flow, (proof) => undo(token, proof.token));

  if (flow.phase === 'proved') {
    return <RedeemPage title={texts.undo.title} error={redemption.error} onRestart={flow.reset} />;
  }
  if (flow.phase !== 'idle') {
    return (
      <CodeEntry
        flow={flow}
        lead={texts.undo.confirmLead}
        onCode={redemption.onCode}
        onBack={flow.reset}
        backLabel={texts.code.ended.restart}
      />
    );
  }
  return (
    <Page title={texts.undo.title} lead={texts.undo.lead} footer={<a href={to('/sign-in')}>{texts.reset.back}</a>}>
      <Form busy={busy} result={error} onSubmit={(values) => void submit(values['token'] ?? tokenInUrl() ?? '')}>
        {tokenInUrl() === null && (
          <Field
            name="token"
            label={texts.undo.token}
            hint={texts.undo.tokenHint}
            autoComplete="off"
            spellCheck={false}
          />
        )}
        <ErrorNotice error={error} />
        <Button type="submit" busy={busy}>
          {texts.undo.submit}
        </Button>
      </Form>
    </Page>
  );
}
