import { useMemo, useSyncExternalStore } from 'react';

import { VerificationFlow, type FlowOptions } from '../verification/flow.ts';
import type { VerificationState } from '../verification/state.ts';
import type { Wire } from '../wire.ts';
import { useCountdown } from './use-countdown.ts';

type Acts = Pick<
  VerificationFlow,
  'send' | 'requestPasswordReset' | 'resend' | 'confirm' | 'cancel' | 'resume' | 'reset'
>;

export type UseVerification = VerificationState &
  Acts & {
    /** Seconds until a resend is taken; 0 when it is, or when there is nothing to send again. */
    readonly resendIn: number;
    /** Seconds that the code still lives. */
    readonly expiresIn: number;
    readonly canResend: boolean;
  };

/**
 * A verification over any wire; `useVerification` of `@countersign/client/apollo/react` and of `@countersign/client/urql/react`
 * are this with theirs. The flow lives as long as the component and its wire.
 */
export function useVerificationFlow(wire: Wire, { connection, wakeUps, clock }: FlowOptions = {}): UseVerification {
  const flow = useMemo(
    () =>
      new VerificationFlow(wire, {
        ...(connection && { connection }),
        ...(wakeUps && { wakeUps }),
        ...(clock && { clock }),
      }),
    [wire, connection, wakeUps, clock],
  );
  const state = useSyncExternalStore(flow.subscribe, flow.getState, flow.getState);
  const waiting = state.phase === 'waiting' ? state.verification : null;
  const resendIn = useCountdown(waiting?.resendAvailableAt ?? null, flow.clock);
  const expiresIn = useCountdown(waiting?.expiresAt ?? null, flow.clock);
  return {
    ...state,
    resendIn,
    expiresIn,
    canResend: waiting !== null && resendIn === 0 && waiting.sendsRemaining !== 0 && state.busy === null,
    send: flow.send,
    requestPasswordReset: flow.requestPasswordReset,
    resend: flow.resend,
    confirm: flow.confirm,
    cancel: flow.cancel,
    resume: flow.resume,
    reset: flow.reset,
  };
}
