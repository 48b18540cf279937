/** Smaller differences are ignored: they may come from network latency. */
const TOLERANCE_MS = 2_000;

/**
 * Estimates the service's clock.
 *
 * Countdowns run to times set by the service. On a device whose clock is three minutes fast, a valid code would appear to be
 * expired, so the offset is estimated from the times in responses.
 */
export class ServerClock {
  #offsetMs = 0;
  readonly #deviceNow: () => number;

  constructor(deviceNow: () => number = Date.now) {
    this.#deviceNow = deviceNow;
  }

  /** Unix time in milliseconds, by the service's clock. */
  now(): number {
    return this.#deviceNow() + this.#offsetMs;
  }

  /** Whole seconds until `instant` (RFC 3339), rounded up; 0 once it has passed. */
  secondsUntil(instant: string): number {
    return Math.max(0, Math.ceil((Date.parse(instant) - this.now()) / 1_000));
  }

  /** `instant` was set by the service between `sentAt` (device clock) and now. */
  observeCreated(sentAt: number, instant: string): void {
    this.#setOffset(Date.parse(instant) - (sentAt + this.#deviceNow()) / 2);
  }

  /** According to the service, `instant` is `seconds` in the future. */
  observeRemaining(instant: string, seconds: number): void {
    this.#setOffset(Date.parse(instant) - seconds * 1_000 - this.#deviceNow());
  }

  /** According to the service, `instant` is in the past. */
  observePast(instant: string): void {
    const behindMs = Date.parse(instant) - this.now();
    if (behindMs > TOLERANCE_MS) this.#setOffset(this.#offsetMs + behindMs);
  }

  #setOffset(offsetMs: number): void {
    if (!Number.isFinite(offsetMs)) return;
    this.#offsetMs = Math.abs(offsetMs) <= TOLERANCE_MS ? 0 : offsetMs;
  }
}
