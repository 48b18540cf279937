/**
 * One key per intent to send.
 *
 * The same request gets the same key until `forget`. After a lost answer nobody knows whether the message is on its way,
 * and asking with the key again finds out without sending a second one; and who goes back and enters the same number
 * again finds the verification that waits there, not a refusal to send so soon.
 */
export class IdempotencyKeys {
  readonly #keys = new Map<string, string>();

  of(request: unknown): { readonly key: string; readonly isNew: boolean } {
    const text = JSON.stringify(request);
    const known = this.#keys.get(text);
    if (known !== undefined) return { key: known, isNew: false };
    const key = randomKey();
    this.#keys.set(text, key);
    return { key, isNew: true };
  }

  forget(): void {
    this.#keys.clear();
  }
}

/** 128 random bits. `randomUUID` would need a secure context, which a phone on the developer's network has not. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
