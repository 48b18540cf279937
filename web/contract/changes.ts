import { buildASTSchema, buildSchema, findBreakingChanges, Kind, parse, visit, type ASTNode } from 'graphql';

/**
 * The kind of release between two versions, by semantic versioning. Below 1.0 the minor version counts as the major one, as in
 * npm and Cargo.
 */
export type ReleaseType = 'major' | 'minor' | 'patch';

export function releaseType(from: string, to: string): ReleaseType {
  const [before, after] = [significant(from), significant(to)];
  if (before[0] !== after[0]) return 'major';
  return before[1] === after[1] ? 'patch' : 'minor';
}

/**
 * Descriptions of the changes that break clients of the earlier schema. A minor release may remove what was already deprecated.
 */
export function breakingChanges(before: string, after: string, by: ReleaseType): readonly string[] {
  if (by === 'major') return [];
  const baseline =
    by === 'minor' ? visit(parse(before), { enter: (node) => (deprecated(node) ? null : undefined) }) : parse(before);
  return findBreakingChanges(buildASTSchema(baseline), buildSchema(after)).map(({ description }) => description);
}

/** Deprecations without a reason, as `Type.field`. The reason names the replacement. */
export function deprecationsWithoutReason(sdl: string): readonly string[] {
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

/** The two significant numbers of a version. */
function significant(version: string): [string, string] {
  const [major, minor, patch] = version.replace(/^v/, '').split('.');
  if (major === undefined || minor === undefined || patch === undefined) throw new Error(`${version} is not a version`);
  return major === '0' ? [`0.${minor}`, patch] : [major, minor];
}
