import { describe, expect, it } from 'vitest';

import { formatDuration } from '../src/texts/duration.ts';
import { en } from '../src/texts/en.ts';
import { ko } from '../src/texts/ko.ts';

/** All texts by path. Functions are called with sample arguments. */
function allTexts(texts: object, path = ''): [string, string][] {
  return Object.entries(texts).flatMap(([key, value]: [string, unknown]): [string, string][] => {
    const here = `${path}${key}`;
    if (typeof value === 'string') return [[here, value]];
    if (typeof value === 'function') return [[here, (value as (...args: unknown[]) => string)('3', '3')]];
    return allTexts(value as object, `${here}.`);
  });
}

describe('texts', () => {
  it('have the same keys in every language', () => {
    expect(allTexts(ko).map(([path]) => path)).toEqual(allTexts(en).map(([path]) => path));
  });

  it('are translated, except names', () => {
    const english = new Map(allTexts(en));
    const same = allTexts(ko).filter(
      ([path, text]) => english.get(path) === text && !/choices|brand|graphiql/.test(path),
    );
    expect(same).toEqual([]);
  });

  it('are not empty', () => {
    for (const [path, text] of [...allTexts(en), ...allTexts(ko)]) expect(text.trim(), path).not.toBe('');
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0:00'],
    [42, '0:42'],
    [305, '5:05'],
    [3_600, '1 hour'],
    [80_000, '23 hours'],
  ])('formats %i seconds as %s', (seconds, message) => {
    expect(formatDuration(seconds, en)).toBe(message);
  });
});
