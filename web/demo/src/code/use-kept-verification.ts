import type { UseVerification } from '@countersign/client/react';
import { useEffect, useMemo } from 'react';

import { forget, keep, keptVerification } from '../kept.ts';
import type { Route } from '../routes.ts';
import { useStack } from '../stack/stack.ts';

export type UseKeptVerification = UseVerification & {
  /** After the proof is spent: nothing is left to go back to. */
  readonly forget: () => void;
};

export interface KeptOptions {
  /**
   * For pages that ask for more after the code: the proof outlives a reload too. Where a proof is spent at once there is
   * nothing to keep.
   */
  readonly keepsProof?: boolean;
}

/**
 * A verification that outlives a reload of its tab, and a change of the client or the transport in the middle of a wait.
 *
 * What is kept shows no contact and no code. The id entitles to confirm and the proof to what it was asked for, so they
 * stay in the storage of the tab, and no longer than they are good.
 */
export function useKeptVerification(route: Route, { keepsProof = false }: KeptOptions = {}): UseKeptVerification {
  const key = `countersign.verification ${route}`;
  const flow = useStack().useVerification();
  const { phase, verification, proof, resume, reset } = flow;

  useEffect(() => {
    const known = keptVerification(key, Date.now());
    if (known && (keepsProof || !known.proof)) resume(known.verification, known.proof);
  }, [key, keepsProof, resume]);

  useEffect(() => {
    if (phase === 'waiting') keep(key, { verification });
    if (phase === 'proved' && keepsProof) keep(key, { verification, proof });
    if (phase === 'ended' || (phase === 'proved' && !keepsProof)) forget(key);
  }, [key, keepsProof, phase, verification, proof]);

  return useMemo(
    () => ({
      ...flow,
      forget: () => {
        forget(key);
      },
      reset: () => {
        forget(key);
        reset();
      },
    }),
    [flow, key, reset],
  );
}
