import { useSyncExternalStore } from 'react';

import type { StepUp, StepUpState } from '../step-up/step-up.ts';

export type UseStepUp = StepUpState & Pick<StepUp, 'run' | 'withPassword' | 'withProof' | 'cancel'>;

/**
 * The state of the page's `StepUp`, for the dialog that asks the person to authenticate again, and `run` for the pages
 * whose operations may need it.
 */
export function useStepUp(stepUp: StepUp): UseStepUp {
  const state = useSyncExternalStore(stepUp.subscribe, stepUp.getState, stepUp.getState);
  const { run, withPassword, withProof, cancel } = stepUp;
  return { ...state, run, withPassword, withProof, cancel };
}
