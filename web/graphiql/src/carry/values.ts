/** Values of answers that later operations need, by the names of the variables that take them. */
export interface Values {
  readonly id?: string;
  readonly code?: string;
  readonly proof?: string;
  readonly sessionId?: string;
  readonly refreshToken?: string;
  readonly accessToken?: string;
}

type Found = { -readonly [Name in keyof Values]: Values[Name] | undefined };

/** The values in an answer, wherever they stand in it. */
export function valuesOf(answer: unknown): Values {
  const found: Found = {};
  visit(answer, found);
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

/** The newest session but the current one: the one to be ended. */
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

/** The variables with the values for those that are there; null where nothing changes or the text is not JSON. */
export function fillVariables(variables: string, values: Values): string | null {
  return fill(variables, ({ accessToken: _, ...rest }) => rest, values);
}

/** The headers with the access token, where they have an authorization. */
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
    // Being edited, or with comments.
    return null;
  }
}
