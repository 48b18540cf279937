export { oneTimeCodeProps, useWebOtp } from './one-time-code.ts';
export { useCountdown } from './use-countdown.ts';
export { useSignedIn } from './use-signed-in.ts';
export { useStepUp, type UseStepUp } from './use-step-up.ts';
export { useVerificationFlow, type UseVerification } from './use-verification-flow.ts';
