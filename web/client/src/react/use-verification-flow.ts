import { useMemo, useSyncExternalStore } from 'react';

import type { ClientAdapter } from '../adapter.ts';
import { VerificationFlow, type FlowOptions } from '../verification/flow.ts';
import type { VerificationState } from '../verification/state.ts';
import { useCountdown } from './use-countdown.ts';

type Actions = Pick<
  VerificationFlow,
  'send' | 'requestPasswordReset' | 'resend' | 'confirm' | 'cancel' | 'resume' | 'reset'
>;

export type UseVerification = VerificationState &
  Actions & {
    /** Seconds until a resend is allowed; 0 if it is allowed, or if no verification is pending. */
    readonly resendIn: number;
    /** Seconds until the code expires. */
    readonly expiresIn: number;
    readonly canResend: boolean;
  };

/**
 * A verification over any client adapter. `useVerification` of `@countersign/client/apollo/react` and
 * `@countersign/client/urql/react` call it with theirs. A new adapter starts a new flow.
 */
export function useVerificationFlow(
  adapter: ClientAdapter,
  { connection, wakeEvents, clock }: FlowOptions = {},
): UseVerification {
  const flow = useMemo(
    () =>
      new VerificationFlow(adapter, {
        ...(connection && { connection }),
        ...(wakeEvents && { wakeEvents }),
        ...(clock && { clock }),
      }),
    [adapter, connection, wakeEvents, clock],
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
