export { backoff, pageWakeEvents, type WakeEvents } from './backoff.ts';
export { RequestError, type Failure, type FaultCode, type ServiceFault, type Unreachable } from './failure.ts';
export * from './generated/graphql.ts';
export { memoryStore, type KeyValueStore } from './session/record.ts';
export { renewOverHttp, type EndReason, type Renew, type Renewal, type RenewOptions } from './session/refresh.ts';
export { Session, type SessionOptions, type SignedIn } from './session/session.ts';
export type { StepUpToken, TokenPair } from './session/tokens.ts';
export { StepUp, type StepUpOptions, type StepUpState } from './step-up/step-up.ts';
export { reauthenticationRequiredIn, type ReauthenticationRequired, type StepUpProblem } from './step-up/types.ts';
export type { Connection, ConnectionState } from './transport/connection.ts';
export type { StreamTransport } from './transport/stream.ts';
export { VerificationFlow, type FlowOptions, type SendRequest } from './verification/flow.ts';
export { normalizeCode, webOtp } from './verification/one-time-code.ts';
export { ServerClock } from './verification/server-clock.ts';
export type { Action, Idle, Updates, Ended, Proved, VerificationState, Waiting } from './verification/state.ts';
export type {
  CancelRefusal,
  ConfirmRefusal,
  Proof,
  SendRefusal,
  Verification,
  VerificationProblem,
} from './verification/types.ts';
export type { StreamObserver, ClientAdapter } from './adapter.ts';
