import { useSyncExternalStore } from 'react';

import type { StepUp, StepUpState } from '../step-up/step-up.ts';

export type UseStepUp = StepUpState & Pick<StepUp, 'run' | 'withPassword' | 'withProof' | 'cancel'>;

/**
 * The state and methods of a `StepUp`, for the reauthentication dialog, and `run` for operations that may need a recent
 * authentication.
 */
export function useStepUp(stepUp: StepUp): UseStepUp {
  const state = useSyncExternalStore(stepUp.subscribe, stepUp.getState, stepUp.getState);
  const { run, withPassword, withProof, cancel } = stepUp;
  return { ...state, run, withPassword, withProof, cancel };
}
