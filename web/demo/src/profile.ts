import type { UserPartsFragment } from '@countersign/client';

import type { Values } from './ui/form.tsx';

type Profile = Pick<UserPartsFragment, 'name' | 'nickname' | 'profileImageUrl'>;

/** Returns the changed fields. An empty field becomes null, which removes it. */
export function profileChange(current: Profile, values: Values): Partial<Profile> {
  const typed = (name: keyof Profile): string => values[name]?.trim() ?? '';
  const changed = (['name', 'nickname', 'profileImageUrl'] as const).filter(
    (name) => typed(name) !== (current[name] ?? ''),
  );
  return Object.fromEntries(changed.map((name) => [name, typed(name) === '' ? null : typed(name)]));
}
