import type { Verification } from '@countersign/client';
import type { UseVerification } from '@countersign/client/react';
import { useEffect, useMemo } from 'react';

import type { Route } from '../routes.ts';
import { useStack } from '../stack/stack.ts';

/**
 * A verification that outlives a reload of its tab, and a change of the client or the transport in the middle of a wait.
 *
 * What is kept shows no contact and no code. Its id is the capability to confirm, so it stays in the tab's own storage.
 */
export function useKeptVerification(route: Route): UseVerification {
  const key = `countersign.verification ${route}`;
  const flow = useStack().useVerification();
  const { phase, verification, resume, reset } = flow;

  useEffect(() => {
    const kept = read(key);
    if (kept) resume(kept);
  }, [key, resume]);

  useEffect(() => {
    if (phase === 'waiting') sessionStorage.setItem(key, JSON.stringify(verification));
    if (phase === 'proved' || phase === 'over') sessionStorage.removeItem(key);
  }, [key, phase, verification]);

  return useMemo(
    () => ({
      ...flow,
      reset: () => {
        sessionStorage.removeItem(key);
        reset();
      },
    }),
    [flow, key, reset],
  );
}

function read(key: string): Verification | null {
  const kept = JSON.parse(sessionStorage.getItem(key) ?? 'null') as Verification | null;
  return kept && Date.parse(kept.expiresAt) > Date.now() ? kept : null;
}
