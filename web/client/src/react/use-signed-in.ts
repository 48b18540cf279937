import { useSyncExternalStore } from 'react';

import type { Session } from '../session/session.ts';

/** Whether somebody is signed in, in whichever tab they did it. */
export function useSignedIn(session: Session): boolean {
  return useSyncExternalStore(session.subscribe, session.isSignedIn, session.isSignedIn);
}
