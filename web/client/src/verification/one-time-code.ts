import type { Verification } from './types.ts';

/**
 * Normalises a typed or pasted code: removes spaces and dashes, converts full-width characters and lowercase letters, and
 * truncates to `codeLength`.
 */
export function normalizeCode(
  typed: string,
  { codeFormat, codeLength }: Pick<Verification, 'codeFormat' | 'codeLength'>,
): string {
  const plain = typed.normalize('NFKC').toUpperCase();
  return plain.replace(codeFormat === 'NUMERIC' ? /[^0-9]/g : /[^0-9A-Z]/g, '').slice(0, codeLength);
}

interface OtpCredential extends Credential {
  readonly code: string;
}

/**
 * The code of the next SMS that names this origin (WebOTP). Null if the browser does not support WebOTP, the user declines or
 * `signal` aborts.
 */
export async function webOtp(signal: AbortSignal): Promise<string | null> {
  if (typeof window === 'undefined' || !('OTPCredential' in window)) return null;
  const request = { otp: { transport: ['sms'] }, signal } as CredentialRequestOptions;
  try {
    const credential = (await navigator.credentials.get(request)) as OtpCredential | null;
    return credential?.code ?? null;
  } catch {
    return null;
  }
}
