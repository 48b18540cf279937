/**
 * Assigns one idempotency key to each send request.
 *
 * The same request gets the same key until `clear`. After a lost response, repeating the request with the same key returns
 * its result without a second message. A user who goes back and enters the same number again gets the pending verification
 * instead of a cooldown refusal.
 */
export class IdempotencyKeys {
  readonly #keys = new Map<string, string>();

  keyFor(request: unknown): { readonly key: string; readonly isNew: boolean } {
    const text = JSON.stringify(request);
    const known = this.#keys.get(text);
    if (known !== undefined) return { key: known, isNew: false };
    const key = randomKey();
    this.#keys.set(text, key);
    return { key, isNew: true };
  }

  clear(): void {
    this.#keys.clear();
  }
}

/** 128 random bits. `randomUUID` needs a secure context, which a page over HTTP on a local network does not have. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
