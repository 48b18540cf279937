import { useSyncExternalStore } from 'react';

/** The routes. They are URL fragments, so that any static file server can serve the app. */
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

let flash: { readonly route: Route; readonly message: Flash } | null = null;

/** Navigates to a route, optionally with a message to show there. */
export function go(route: Route, message?: Flash): void {
  flash = message === undefined ? null : { route, message };
  location.hash = route;
}

/** The message for this route, if the last navigation set one. */
export function flashOf(route: Route): Flash | null {
  return flash?.route === route ? flash.message : null;
}

/** For links: `<a href={to('/sign-up')}>`. */
export function to(route: Route): string {
  return `#${route}`;
}

function current(): Route {
  const [path] = parts();
  return ROUTES.find((route) => route === path) ?? '/sign-in';
}

/** The token of a link in a message: the part of the fragment after the question mark. */
export function tokenInUrl(): string | null {
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
