import type { ReactNode } from 'react';

import { Button } from '../ui/button.tsx';
import type { Trouble } from '../ui/explain.ts';
import { TroubleNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { useWords } from '../words/index.ts';

export interface SpendingPageProps {
  readonly title: string;
  readonly trouble: Trouble | null;
  readonly onAgain: () => void;
}

/** The moment between the right code and what it was for. */
export function SpendingPage({ title, trouble, onAgain }: SpendingPageProps): ReactNode {
  const { account, code } = useWords();
  return (
    <Page title={title} lead={trouble ? undefined : account.loading}>
      <TroubleNotice trouble={trouble} />
      {trouble && <Button onClick={onAgain}>{code.over.again}</Button>}
    </Page>
  );
}
