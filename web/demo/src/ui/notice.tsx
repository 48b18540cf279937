import type { ReactNode } from 'react';

import { useTexts } from '../texts/index.ts';
import { explain, type OperationError } from './explain.ts';

export interface NoticeProps {
  readonly tone: 'error' | 'success' | 'info';
  readonly children: ReactNode;
}

/** A message that screen readers announce: errors at once (`alert`), others politely (`status`). */
export function Notice({ tone, children }: NoticeProps): ReactNode {
  return (
    <p className={`notice notice-${tone}`} role={tone === 'error' ? 'alert' : 'status'}>
      {children}
    </p>
  );
}

export function ErrorNotice({ error }: { readonly error: OperationError | null }): ReactNode {
  const texts = useTexts();
  return error && <Notice tone="error">{explain(error, texts)}</Notice>;
}
