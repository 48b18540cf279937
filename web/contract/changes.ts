import { buildASTSchema, buildSchema, findBreakingChanges, Kind, parse, visit, type ASTNode } from 'graphql';

/**
 * How far a version is from the one before, in the words of semantic versioning. Below 1.0 the second number counts as
 * the first, as npm and Cargo have it.
 */
export type Step = 'major' | 'minor' | 'patch';

export function step(from: string, to: string): Step {
  const [before, after] = [significant(from), significant(to)];
  if (before[0] !== after[0]) return 'major';
  return before[1] === after[1] ? 'patch' : 'minor';
}

/**
 * What clients of one schema miss in the next, or are asked for besides, in words. With a new minor version whatever was
 * deprecated before may go.
 */
export function broken(before: string, after: string, by: Step): readonly string[] {
  if (by === 'major') return [];
  const relied =
    by === 'minor' ? visit(parse(before), { enter: (node) => (deprecated(node) ? null : undefined) }) : parse(before);
  return findBreakingChanges(buildASTSchema(relied), buildSchema(after)).map(({ description }) => description);
}

/** Deprecations that do not say what to take instead, as `Type.field`. */
export function unexplained(sdl: string): readonly string[] {
  const found: string[] = [];
  visit(parse(sdl), {
    Directive({ name, arguments: given }, _key, _parent, _path, ancestors) {
      if (name.value !== 'deprecated') return;
      const reason = given?.find((argument) => argument.name.value === 'reason')?.value;
      if (reason?.kind === Kind.STRING && reason.value.trim()) return;
      found.push(ancestors.flatMap((node) => ('name' in node ? [node.name.value] : [])).join('.'));
    },
  });
  return found;
}

function deprecated(node: ASTNode): boolean {
  const directives = 'directives' in node ? node.directives : undefined;
  return directives?.some(({ name }) => name.value === 'deprecated') ?? false;
}

/** The two numbers that count. */
function significant(version: string): [string, string] {
  const [major, minor, patch] = version.replace(/^v/, '').split('.');
  if (major === undefined || minor === undefined || patch === undefined) throw new Error(`${version} is no version`);
  return major === '0' ? [`0.${minor}`, patch] : [major, minor];
}
