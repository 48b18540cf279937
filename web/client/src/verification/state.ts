import type { ServiceFault } from '../failure.ts';
import type { Proof, Verification, VerificationProblem } from './types.ts';

/** The actions of a flow. */
export type Action = 'send' | 'resend' | 'confirm' | 'cancel';

/**
 * How the flow receives updates of the verification.
 *
 * - `none`: no update yet, or no subscriber
 * - `live`: over the stream
 * - `reconnecting`: the stream was lost and is being reopened; until then the verification is polled
 */
export type Updates = 'none' | 'live' | 'reconnecting';

interface BaseState {
  /** The action in progress, if any. */
  readonly busy: Action | null;
  /** Why the last action failed. A new action clears it. */
  readonly problem: VerificationProblem | null;
  readonly updates: Updates;
}

/** No verification has been started. */
export interface Idle extends BaseState {
  readonly phase: 'idle';
  readonly verification: null;
  readonly proof: null;
}

/** A code was sent and has not been confirmed. */
export interface Waiting extends BaseState {
  readonly phase: 'waiting';
  readonly verification: Verification;
  readonly proof: null;
}

/** The code was confirmed; `proof` is set. */
export interface Proved extends BaseState {
  readonly phase: 'proved';
  readonly verification: Verification;
  readonly proof: Proof;
}

/** The verification has ended without a proof: expired, locked, canceled, or confirmed elsewhere. */
export interface Ended extends BaseState {
  readonly phase: 'ended';
  readonly verification: Verification;
  readonly proof: null;
}

export type VerificationState = Idle | Waiting | Proved | Ended;

export type VerificationEvent =
  | { readonly type: 'actionStarted'; readonly action: Action }
  | { readonly type: 'actionFinished'; readonly problem: VerificationProblem | null }
  | { readonly type: 'snapshot'; readonly verification: Verification }
  | { readonly type: 'proved'; readonly verification: Verification; readonly proof: Proof }
  | { readonly type: 'watchChanged' }
  | { readonly type: 'live'; readonly live: boolean }
  | { readonly type: 'notFound' }
  | { readonly type: 'reset' };

/** The service no longer has the verification, for example because it was deleted after its retention period. */
const VERIFICATION_GONE: ServiceFault = {
  __typename: 'ServiceFault',
  code: 'NOT_FOUND',
  requestId: null,
  retryAfterSeconds: null,
};

export const IDLE: Idle = {
  phase: 'idle',
  verification: null,
  proof: null,
  busy: null,
  problem: null,
  updates: 'none',
};

/** The reducer of a flow: a pure function of state and event. */
export function reduce(state: VerificationState, event: VerificationEvent): VerificationState {
  switch (event.type) {
    case 'actionStarted':
      return { ...state, busy: event.action, problem: null };
    case 'actionFinished':
      return settle({ ...state, busy: null, problem: event.problem });
    case 'snapshot':
      return settle(withSnapshot(state, event.verification));
    case 'proved':
      return {
        ...state,
        phase: 'proved',
        verification: newer(state.verification, event.verification),
        proof: event.proof,
      };
    case 'watchChanged':
      return withUpdates(state, 'none');
    case 'live':
      if (event.live) return withUpdates(state, 'live');
      return state.updates === 'live' ? withUpdates(state, 'reconnecting') : state;
    case 'notFound':
      return settle({ ...state, problem: VERIFICATION_GONE });
    case 'reset':
      return IDLE;
  }
}

function withUpdates(state: VerificationState, updates: Updates): VerificationState {
  return state.updates === updates ? state : { ...state, updates };
}

function withSnapshot(state: VerificationState, verification: Verification): VerificationState {
  if (verification.id !== state.verification?.id) return { ...state, phase: 'waiting', verification, proof: null };
  // The phase does not change here; `settle` updates it.
  return { ...state, verification: newer(state.verification, verification) } as VerificationState;
}

/**
 * Changes the phase of a verification that has ended. During a confirmation it stays `waiting`: the stream may report
 * VERIFIED before the response with the proof arrives.
 */
function settle(state: VerificationState): VerificationState {
  if (state.phase !== 'waiting') return state;
  if (isGone(state.problem)) return { ...state, phase: 'ended' };
  if (state.verification.status === 'PENDING') return state;
  if (state.verification.status === 'VERIFIED' && state.busy === 'confirm') return state;
  return { ...state, phase: 'ended' };
}

function isGone(problem: VerificationProblem | null): boolean {
  return problem === VERIFICATION_GONE || problem?.__typename === 'VerificationNotFound';
}

/** Returns the snapshot with the higher sequence, or `received` if it belongs to another verification. */
export function newer(known: Verification | null, received: Verification): Verification {
  return known?.id === received.id && known.sequence >= received.sequence ? known : received;
}
