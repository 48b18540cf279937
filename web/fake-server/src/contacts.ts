export interface Contact {
  readonly kind: 'phone' | 'email';
  readonly value: string;
}

/** Parses Korean national numbers and E.164. A simplification of the service's rules. */
export function parsePhone(typed: string): Contact | null {
  const digits = typed.replace(/[^\d+]/g, '');
  const value = digits.startsWith('0') ? `+82${digits.slice(1)}` : digits;
  return /^\+8210\d{8}$|^\+(?!82)[1-9]\d{7,14}$/.test(value) ? { kind: 'phone', value } : null;
}

export function parseEmail(typed: string): Contact | null {
  const value = typed.trim().toLowerCase();
  return /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(value) ? { kind: 'email', value } : null;
}

export function mask({ kind, value }: Contact): string {
  if (kind === 'phone') return `${value.slice(0, 3)} ${value.slice(3, 5)}-••••-${value.slice(-4)}`;
  const [name = '', domain = ''] = value.split('@');
  return `${name.slice(0, 1)}•••${name.slice(-1)}@${domain}`;
}
