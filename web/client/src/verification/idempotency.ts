/**
 * One key per intent to send.
 *
 * The same request gets the same key until `forget`: after a lost answer nobody knows whether the message is on its way,
 * and asking with the key again finds out without sending a second one.
 */
export class IdempotencyKeys {
  #intent: { readonly request: string; readonly key: string } | null = null;

  of(request: unknown): { readonly key: string; readonly isNew: boolean } {
    const text = JSON.stringify(request);
    if (this.#intent?.request === text) return { key: this.#intent.key, isNew: false };
    this.#intent = { request: text, key: randomKey() };
    return { key: this.#intent.key, isNew: true };
  }

  forget(): void {
    this.#intent = null;
  }
}

/** 128 random bits. `randomUUID` would need a secure context, which a phone on the developer's network has not. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
