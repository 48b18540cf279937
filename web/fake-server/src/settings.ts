/** Options of the fake server. Short durations let tests observe expiry. */
export interface Settings {
  readonly codeTtlSeconds: number;
  readonly maxAttempts: number;
  readonly resendCooldownSeconds: number;
  readonly dailySends: number;
  readonly accessTokenSeconds: number;
  /** How long an authentication counts as recent; 0 means that a sign-in never does. */
  readonly reauthMaxAgeSeconds: number;
  /** Sends the refresh token in a cookie; `TokenPair.refreshToken` is null. */
  readonly refreshCookie: boolean;
  /** The delay from queued to sent, and from sent to delivered. */
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
