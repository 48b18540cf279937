import type { Words } from './en.ts';

/** Seconds as 0:42 or 12:05, and from an hour on as "3 hours". */
export function span(seconds: number, { locale }: Words): string {
  if (seconds < 3_600) return `${String(Math.floor(seconds / 60))}:${String(seconds % 60).padStart(2, '0')}`;
  const hours = { style: 'unit', unit: 'hour', unitDisplay: 'long' } as const;
  return new Intl.NumberFormat(locale, hours).format(Math.ceil(seconds / 3_600));
}
