import { useSyncExternalStore } from 'react';

/** The pages. Addresses are fragments, so that any server of files can serve the app. */
export const ROUTES = [
  '/sign-in',
  '/sign-up',
  '/reset',
  '/account',
  '/account/profile',
  '/account/phone',
  '/account/email',
  '/account/password',
  '/account/delete',
  '/undo',
] as const;

export type Route = (typeof ROUTES)[number];

export function useRoute(): Route {
  return useSyncExternalStore(subscribe, current);
}

export type Flash =
  | 'profileChanged'
  | 'phoneChanged'
  | 'emailChanged'
  | 'passwordChanged'
  | 'passwordReset'
  | 'changeUndone'
  | 'accountDeleted';

let flash: { readonly route: Route; readonly said: Flash } | null = null;

/** Goes to a page, with something to be said there if need be. */
export function go(route: Route, said?: Flash): void {
  flash = said === undefined ? null : { route, said };
  location.hash = route;
}

/** What whoever sent the person to this page wants said. */
export function flashOf(route: Route): Flash | null {
  return flash?.route === route ? flash.said : null;
}

/** For links: `<a href={to('/sign-up')}>`. */
export function to(route: Route): string {
  return `#${route}`;
}

function current(): Route {
  const [path] = parts();
  return ROUTES.find((route) => route === path) ?? '/sign-in';
}

/** What the address says after the route and a question mark: the token of a link in a message. */
export function tokenInAddress(): string | null {
  return parts()[1] ?? null;
}

function parts(): readonly string[] {
  return location.hash.slice(1).split('?');
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => {
    window.removeEventListener('hashchange', listener);
  };
}
