import { useSyncExternalStore } from 'react';

import type { Session } from '../session/session.ts';

/** Whether the browser has a session. Sign-ins and sign-outs in other tabs are included. */
export function useSignedIn(session: Session): boolean {
  return useSyncExternalStore(session.subscribe, session.isSignedIn, session.isSignedIn);
}
