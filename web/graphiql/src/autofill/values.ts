/** Values from responses that later operations need, by variable name. */
export interface Values {
  readonly id?: string;
  readonly code?: string;
  readonly proof?: string;
  readonly sessionId?: string;
  readonly refreshToken?: string;
  readonly accessToken?: string;
}

type Found = { -readonly [Name in keyof Values]: Values[Name] | undefined };

/** Finds the values in a response, at any depth. */
export function valuesOf(response: unknown): Values {
  const found: Found = {};
  visit(response, found);
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

function visit(value: unknown, found: Found): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const id = text(inner, 'id');
    if (key === 'verification' && id?.startsWith('ver_')) found.id = id;
    if (key === 'proof') found.proof = text(inner, 'token') ?? found.proof;
    if (key === 'sessions') found.sessionId = otherSession(inner) ?? found.sessionId;
    if (key === 'accessToken' || key === 'refreshToken') found[key] = text(value, key) ?? found[key];
    visit(inner, found);
  }
}

/** The newest session other than the current one, for `revokeSession`. */
function otherSession(sessions: unknown): string | undefined {
  const nodes = (sessions as { readonly nodes?: readonly { readonly current?: unknown }[] } | null)?.nodes ?? [];
  return text(
    nodes.find(({ current }) => current === false),
    'id',
  );
}

function text(value: unknown, key: string): string | undefined {
  const inner = (value as Record<string, unknown> | null | undefined)?.[key];
  return typeof inner === 'string' ? inner : undefined;
}

/** Replaces existing variables by the values. Null if nothing changes or the text is not JSON. */
export function fillVariables(variables: string, values: Values): string | null {
  return fill(variables, ({ accessToken: _, ...rest }) => rest, values);
}

/** Replaces an existing `authorization` header by the access token. */
export function fillHeaders(headers: string, values: Values): string | null {
  return fill(
    headers,
    ({ accessToken }) => (accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
    values,
  );
}

function fill(json: string, choose: (values: Values) => Record<string, string>, values: Values): string | null {
  try {
    const known = JSON.parse(json) as Record<string, unknown>;
    const changes = Object.entries(choose(values)).filter(([name, value]) => name in known && known[name] !== value);
    if (changes.length === 0) return null;
    return JSON.stringify({ ...known, ...Object.fromEntries(changes) }, null, 2);
  } catch {
    // Invalid JSON: the text is being edited or contains comments.
    return null;
  }
}
