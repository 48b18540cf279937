import type { Verification } from './types.ts';

/**
 * What somebody typed or pasted, as a code: spaces and dashes out, full-width digits to plain ones, letters to capitals,
 * and no more of it than the code is long.
 */
export function tidyCode(
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
 * The code out of the next SMS that names this origin (WebOTP), or null where the browser has no such thing, the person
 * declines or `signal` aborts.
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
