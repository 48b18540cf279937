import type { UseVerification } from '@countersign/client/react';
import { useEffect, useMemo } from 'react';

import type { Route } from '../routes.ts';
import { useStack } from '../stack/stack.ts';
import { loadVerification, remove, save } from '../tab-storage.ts';

export type UsePersistedVerification = UseVerification & {
  /** Removes the stored verification, after its proof was redeemed. */
  readonly clearStored: () => void;
};

export interface PersistOptions {
  /**
   * Persists the proof as well, for pages that need further input after the code. Pages that redeem the proof at once do not
   * need it.
   */
  readonly persistProof?: boolean;
}

/**
 * A verification that survives a reload of the tab and a change of the client or the transport.
 *
 * The stored snapshot contains neither the full contact nor the code. The verification ID and the proof are capabilities, so
 * they are stored for this tab only and removed when they are no longer valid.
 */
export function usePersistedVerification(
  route: Route,
  { persistProof = false }: PersistOptions = {},
): UsePersistedVerification {
  const key = `countersign.verification ${route}`;
  const flow = useStack().useVerification();
  const { phase, verification, proof, resume, reset } = flow;

  useEffect(() => {
    const stored = loadVerification(key, Date.now());
    if (stored && (persistProof || !stored.proof)) resume(stored.verification, stored.proof);
  }, [key, persistProof, resume]);

  useEffect(() => {
    if (phase === 'waiting') save(key, { verification });
    if (phase === 'proved' && persistProof) save(key, { verification, proof });
    if (phase === 'ended' || (phase === 'proved' && !persistProof)) remove(key);
  }, [key, persistProof, phase, verification, proof]);

  return useMemo(
    () => ({
      ...flow,
      clearStored: () => {
        remove(key);
      },
      reset: () => {
        remove(key);
        reset();
      },
    }),
    [flow, key, reset],
  );
}
