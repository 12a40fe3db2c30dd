import type { TargetBody } from "capability-sdk";

const READING: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** With more patterns, only their number is said. */
const MAX_PATTERNS = 3;

/** Says what clients may do with an export. Where options replaced what a preset has, its own words could be wrong. */
export function describeAccess(target: TargetBody): string {
  const { headers } = target.limits ?? {};
  const parts = [describeMethods(target), describePaths(target), describeQueries(target)];
  return [...parts, ...(headers === undefined ? [] : ["headers as its limits say"])].join("; ");
}

function describeMethods({ method, limits: { methods } = {} }: TargetBody): string {
  if (method !== undefined) return `every request sent with ${method}`;
  if (methods === undefined) return "all methods";
  const isReading = methods.every((each) => READING.has(each));
  return `${methods.join(", ")}${isReading ? " (read-only)" : ""}`;
}

function describePaths({ allowPath, limits: { paths, requests } = {} }: TargetBody): string {
  if (requests !== undefined) return "requests as its limits say";
  if (allowPath !== true) return "the URI alone";
  if (paths === undefined) return "all paths below the URI";
  return paths.length > MAX_PATTERNS ? `${paths.length} patterns of paths` : `paths ${paths.join(", ")}`;
}

function describeQueries({ allowQuery, limits: { query } = {} }: TargetBody): string {
  if (allowQuery === undefined || allowQuery === false) return "no queries";
  if (query !== undefined) return "queries as its limits say";
  return allowQuery === true ? "all queries" : `query keys ${allowQuery.join(", ")}`;
}
