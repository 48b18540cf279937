/** Calling codes of one and of two digits; all others have three (ITU-T E.164). */
const CALLING_CODE = /^\+(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})(\d+)$/;

/**
 * A number as people read it: the calling code and groups of three or four digits, such as +49 151 1234 5678. Where the
 * groups of a country differ, the digits are the same.
 */
export function readable(phone: string): string {
  const [, code, rest] = CALLING_CODE.exec(phone) ?? [];
  if (code === undefined || rest === undefined) return phone;
  return [`+${code}`, ...groups(code, rest)].join(' ');
}

function groups(code: string, digits: string): readonly string[] {
  // North America: area code, exchange, line.
  if (code === '1' && digits.length === 10) return [digits.slice(0, 3), digits.slice(3, 6), digits.slice(6)];
  // Groups of four from the end; what is left over goes first, and a single digit stays with the group after it.
  const first = digits.length % 4;
  if (digits.length <= 5) return [digits];
  if (first === 1) return [digits.slice(0, 3), ...(digits.slice(3, -4).match(/\d{2,3}/g) ?? []), digits.slice(-4)];
  return [digits.slice(0, first), ...(digits.slice(first).match(/\d{4}/g) ?? [])].filter((group) => group !== '');
}
