import type { Proof } from '@countersign/client';
import type { UseVerification } from '@countersign/client/react';
import { useRef, useState } from 'react';

import type { OperationError } from '../ui/explain.ts';

export interface RedeemProof {
  readonly onCode: (code: string) => void;
  /** Why the proof was rejected, if it was. */
  readonly error: OperationError | null;
}

/**
 * Confirms a code and redeems its proof at once. A code may be submitted twice, by completion and by the Enter key. The proof
 * is redeemed once, because a second attempt would be rejected.
 */
export function useRedeemProof(
  flow: UseVerification,
  redeem: (proof: Proof) => Promise<OperationError | null>,
): RedeemProof {
  const redeemed = useRef<string | null>(null);
  const [error, setError] = useState<OperationError | null>(null);
  const confirmAndRedeem = async (code: string): Promise<void> => {
    const { phase, proof } = await flow.confirm(code);
    if (phase !== 'proved' || redeemed.current === proof.token) return;
    redeemed.current = proof.token;
    setError(await redeem(proof));
  };
  return { onCode: (code) => void confirmAndRedeem(code), error };
}
