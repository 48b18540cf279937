import type { Texts } from './en.ts';

/** Formats seconds as 0:42 or 12:05, or as "3 hours" from one hour on. */
export function formatDuration(seconds: number, { locale }: Texts): string {
  if (seconds < 3_600) return `${String(Math.floor(seconds / 60))}:${String(seconds % 60).padStart(2, '0')}`;
  const hours = { style: 'unit', unit: 'hour', unitDisplay: 'long' } as const;
  return new Intl.NumberFormat(locale, hours).format(Math.ceil(seconds / 3_600));
}
