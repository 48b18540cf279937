import { usePreferences, type Preferences } from '../preferences.ts';
import { en, type Words } from './en.ts';
import { ko } from './ko.ts';

const LANGUAGES: Readonly<Record<Preferences['language'], Words>> = { en, ko };

/** The words of the chosen language. */
export function useWords(): Words {
  return LANGUAGES[usePreferences().language];
}

export type { Words } from './en.ts';
export { span } from './span.ts';
