/** What the stand-in can be told at its start. Short times, so that tests see things expire. */
export interface Settings {
  readonly codeTtlSeconds: number;
  readonly maxAttempts: number;
  readonly resendCooldownSeconds: number;
  readonly dailySends: number;
  readonly accessTokenSeconds: number;
  /** For how long an authentication counts as recent; with 0 a sign-in never does. */
  readonly reauthMaxAgeSeconds: number;
  /** On: the refresh token travels in a cookie and `TokenPair.refreshToken` is null. */
  readonly refreshCookie: boolean;
  /** From queued to sent, and again from sent to delivered. */
  readonly deliveryStepMs: number;
}

export const DEFAULTS: Settings = {
  codeTtlSeconds: 300,
  maxAttempts: 5,
  resendCooldownSeconds: 60,
  dailySends: 5,
  accessTokenSeconds: 3_600,
  reauthMaxAgeSeconds: 600,
  refreshCookie: false,
  deliveryStepMs: 120,
};
