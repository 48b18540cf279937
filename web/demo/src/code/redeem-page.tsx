import type { ReactNode } from 'react';

import { useTexts } from '../texts/index.ts';
import { Button } from '../ui/button.tsx';
import type { OperationError } from '../ui/explain.ts';
import { ErrorNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';

export interface RedeemPageProps {
  readonly title: string;
  readonly error: OperationError | null;
  readonly onRestart: () => void;
}

/** Shown while the proof is being redeemed, and if that fails. */
export function RedeemPage({ title, error, onRestart }: RedeemPageProps): ReactNode {
  const { account, code } = useTexts();
  return (
    <Page title={title} lead={error ? undefined : account.loading}>
      <ErrorNotice error={error} />
      {error && <Button onClick={onRestart}>{code.ended.restart}</Button>}
    </Page>
  );
}
