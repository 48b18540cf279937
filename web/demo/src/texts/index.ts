import { usePreferences, type Preferences } from '../preferences.ts';
import { en, type Texts } from './en.ts';
import { ko } from './ko.ts';

const LANGUAGES: Readonly<Record<Preferences['language'], Texts>> = { en, ko };

/** The texts of the chosen language. */
export function useTexts(): Texts {
  return LANGUAGES[usePreferences().language];
}

export type { Texts } from './en.ts';
export { formatDuration } from './duration.ts';
