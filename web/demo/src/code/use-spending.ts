import type { Proof } from '@countersign/client';
import type { UseVerification } from '@countersign/client/react';
import { useRef, useState } from 'react';

import type { Trouble } from '../ui/explain.ts';

export interface Spending {
  readonly onCode: (code: string) => void;
  /** Why the proof was not taken, if it was not. */
  readonly trouble: Trouble | null;
}

/**
 * Confirms a code and spends its proof at once. A code may be handed in twice, by being complete and by the Enter key;
 * the proof is spent once all the same, since a second time it would be refused.
 */
export function useSpending(flow: UseVerification, spend: (proof: Proof) => Promise<Trouble | null>): Spending {
  const spent = useRef<string | null>(null);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const confirmAndSpend = async (code: string): Promise<void> => {
    const { phase, proof } = await flow.confirm(code);
    if (phase !== 'proved' || spent.current === proof.token) return;
    spent.current = proof.token;
    setTrouble(await spend(proof));
  };
  return { onCode: (code) => void confirmAndSpend(code), trouble };
}
