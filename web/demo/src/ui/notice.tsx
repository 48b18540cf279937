import type { ReactNode } from 'react';

import { useWords } from '../words/index.ts';
import { explain, type Trouble } from './explain.ts';

export interface NoticeProps {
  readonly tone: 'trouble' | 'good' | 'plain';
  readonly children: ReactNode;
}

/** Said to everybody: shown, and read out. Trouble interrupts; the rest waits its turn. */
export function Notice({ tone, children }: NoticeProps): ReactNode {
  return (
    <p className={`notice notice-${tone}`} role={tone === 'trouble' ? 'alert' : 'status'}>
      {children}
    </p>
  );
}

export function TroubleNotice({ trouble }: { readonly trouble: Trouble | null }): ReactNode {
  const words = useWords();
  return trouble && <Notice tone="trouble">{explain(trouble, words)}</Notice>;
}
