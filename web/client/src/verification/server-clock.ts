/** Clocks that differ by less than this are taken to agree: the way there and back costs as much. */
const TOLERANCE_MS = 2_000;

/**
 * What time it is for the service.
 *
 * Countdowns run to instants that the service set. A phone whose clock is three minutes off would show a code as expired
 * that is not, so the difference is learnt from what answers tell anyway.
 */
export class ServerClock {
  #aheadMs = 0;
  readonly #deviceNow: () => number;

  constructor(deviceNow: () => number = Date.now) {
    this.#deviceNow = deviceNow;
  }

  /** Milliseconds since 1970, by the service's clock. */
  now(): number {
    return this.#deviceNow() + this.#aheadMs;
  }

  /** Whole seconds until `instant` (RFC 3339), rounded up; 0 once it has passed. */
  secondsUntil(instant: string): number {
    return Math.max(0, Math.ceil((Date.parse(instant) - this.now()) / 1_000));
  }

  /** The service wrote `instant` after `askedAt` and before now, both by the device's clock. */
  wroteSince(askedAt: number, instant: string): void {
    this.#learn(Date.parse(instant) - (askedAt + this.#deviceNow()) / 2);
  }

  /** The service says that `instant` is `seconds` away. */
  saysAway(instant: string, seconds: number): void {
    this.#learn(Date.parse(instant) - seconds * 1_000 - this.#deviceNow());
  }

  /** The service speaks of `instant` as past. */
  hasPassed(instant: string): void {
    const shortMs = Date.parse(instant) - this.now();
    if (shortMs > TOLERANCE_MS) this.#learn(this.#aheadMs + shortMs);
  }

  #learn(aheadMs: number): void {
    if (!Number.isFinite(aheadMs)) return;
    this.#aheadMs = Math.abs(aheadMs) <= TOLERANCE_MS ? 0 : aheadMs;
  }
}
