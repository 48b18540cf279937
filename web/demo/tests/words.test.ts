import { describe, expect, it } from 'vitest';

import { en } from '../src/words/en.ts';
import { ko } from '../src/words/ko.ts';
import { span } from '../src/words/span.ts';

/** Every sentence, by its path; those with gaps are filled. */
function sentences(words: object, path = ''): [string, string][] {
  return Object.entries(words).flatMap(([key, value]: [string, unknown]): [string, string][] => {
    const here = `${path}${key}`;
    if (typeof value === 'string') return [[here, value]];
    if (typeof value === 'function') return [[here, (value as (...gaps: unknown[]) => string)('3', '3')]];
    return sentences(value as object, `${here}.`);
  });
}

describe('the words', () => {
  it('are the same in every language', () => {
    expect(sentences(ko).map(([path]) => path)).toEqual(sentences(en).map(([path]) => path));
  });

  it('are translated, but for what is a name', () => {
    const english = new Map(sentences(en));
    const same = sentences(ko).filter(
      ([path, text]) => english.get(path) === text && !/choices|brand|graphiql/.test(path),
    );
    expect(same).toEqual([]);
  });

  it('are all there', () => {
    for (const [path, text] of [...sentences(en), ...sentences(ko)]) expect(text.trim(), path).not.toBe('');
  });
});

describe('span', () => {
  it.each([
    [0, '0:00'],
    [42, '0:42'],
    [305, '5:05'],
    [3_600, '1 hour'],
    [80_000, '23 hours'],
  ])('says %i seconds as %s', (seconds, said) => {
    expect(span(seconds, en)).toBe(said);
  });
});
