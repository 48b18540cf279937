/** Country calling codes: those with one and two digits are listed, all others have three (ITU-T E.164). */
const CALLING_CODE = /^\+(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})(\d+)$/;

/**
 * Formats an E.164 number for display: the calling code and groups of three or four digits, such as +49 151 1234 5678. The
 * grouping is generic; national conventions may differ.
 */
export function formatPhone(phone: string): string {
  const [, code, rest] = CALLING_CODE.exec(phone) ?? [];
  if (code === undefined || rest === undefined) return phone;
  return [`+${code}`, ...groups(code, rest)].join(' ');
}

function groups(code: string, digits: string): readonly string[] {
  // North American Numbering Plan: area code, exchange, line number.
  if (code === '1' && digits.length === 10) return [digits.slice(0, 3), digits.slice(3, 6), digits.slice(6)];
  // Groups of four from the end. The remainder goes first; a single remaining digit is merged into the next group.
  const first = digits.length % 4;
  if (digits.length <= 5) return [digits];
  if (first === 1) return [digits.slice(0, 3), ...(digits.slice(3, -4).match(/\d{2,3}/g) ?? []), digits.slice(-4)];
  return [digits.slice(0, first), ...(digits.slice(first).match(/\d{4}/g) ?? [])].filter((group) => group !== '');
}
