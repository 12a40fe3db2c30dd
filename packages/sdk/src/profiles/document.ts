import type { Parsed } from "capability-protocol";
import { ok, refuse } from "capability-protocol/result";
import type { Document, DocumentOptions, ParseOptions, SchemaOptions, Tags, YAMLError } from "yaml";
import { LineCounter, isNode, parseAllDocuments } from "yaml";

/** One profile in one file, and its position in the text. */
export interface ProfileDocument {
  readonly name: string;
  /** The strings of the map at the file's key path. */
  readonly values: ReadonlyMap<string, string>;
  readonly yaml: Document.Parsed;
  /** The part of the text that belongs to this document, with the comments and directives before its marker: `[start, end)`. */
  readonly start: number;
  readonly end: number;
}

// The parser's messages quote the text, which is secret, so only its error codes and positions are used.
const PARSE_OPTIONS: ParseOptions & DocumentOptions & SchemaOptions = {
  prettyErrors: false,
  resolveKnownTags: false,
  customTags: (tags) => tags.map(preserveNumberSource),
};
const MAX_ALIASES = 100;

/**
 * Parses the profiles in a text, in order. Empty documents are skipped; a document that is not a profile is refused. `keyPath`
 * leads to the map of strings, such as `membrane`, `capabilities`; if the map is missing, there are no values.
 */
export function parseDocuments(text: string, keyPath: readonly string[]): Parsed<readonly ProfileDocument[]> {
  const lines = new LineCounter();
  const documents: ProfileDocument[] = [];
  let start = 0;
  const all = parseAllDocuments(text, { ...PARSE_OPTIONS, lineCounter: lines });
  const [stray] = "empty" in all ? all.errors : [];
  if (stray !== undefined) return refuseError(stray, lines);
  for (const [index, yaml] of all.entries()) {
    const end = index === all.length - 1 ? text.length : yaml.range[2];
    const content = parseContent(yaml, lines);
    if (!content.ok) return content;
    if (content.value !== null) {
      const profile = parseProfile(content.value, keyPath, (path) => lineOf(yaml, path, lines));
      if (!profile.ok) return profile;
      documents.push({ ...profile.value, yaml, start, end });
    }
    start = end;
  }
  return ok(documents);
}

/**
 * Keeps the spelling of a number when a document is written. Account numbers have leading zeros, and more digits than a
 * JavaScript number.
 */
function preserveNumberSource(tag: Tags[number]): Tags[number] {
  if (typeof tag === "string" || tag.collection !== undefined || tag.stringify === undefined) return tag;
  const { stringify } = tag;
  return {
    ...tag,
    stringify: (node, ...rest) =>
      typeof node.value === "number" && node.source !== undefined ? node.source : stringify(node, ...rest),
  };
}

function parseContent(yaml: Document.Parsed, lines: LineCounter): Parsed<unknown> {
  const [error] = yaml.errors;
  if (error !== undefined) return refuseError(error, lines);
  try {
    return ok(yaml.toJS({ mapAsMap: true, maxAliasCount: MAX_ALIASES }));
  } catch {
    // The error for an unknown anchor, or for too many aliases, contains the anchor, which may be secret.
    return refuse(
      lineOf(yaml, [], lines),
      `a document whose aliases all have an anchor, and at most ${MAX_ALIASES} of them`,
    );
  }
}

function refuseError(error: YAMLError, lines: LineCounter): Parsed<never> {
  const expected = error.code === "DUPLICATE_KEY" ? "each key once" : "well-formed YAML";
  return refuse(lineAt(error.pos[0], lines), expected);
}

type LineOfPath = (path: readonly string[]) => string;

function parseProfile(
  content: unknown,
  keyPath: readonly string[],
  line: LineOfPath,
): Parsed<{ name: string; values: ReadonlyMap<string, string> }> {
  if (!isMap(content)) return refuse(line([]), "a map with the key profile");
  const name = content.get("profile");
  if (typeof name !== "string") return refuse(line(["profile"]), "profile to be a string");
  let map: ReadonlyMap<unknown, unknown> = content;
  for (const [depth, key] of keyPath.entries()) {
    const next = map.get(key) ?? new Map();
    if (!isMap(next)) {
      const path = keyPath.slice(0, depth + 1);
      return refuse(line(path), `${path.join(".")} to be a map`);
    }
    map = next;
  }
  const values = new Map<string, string>();
  for (const [key, value] of map) {
    if (typeof key !== "string") return refuse(line(keyPath), `only strings as keys of ${keyPath.join(".")}`);
    if (typeof value !== "string")
      return refuse(line([...keyPath, key]), `only strings in ${keyPath.join(".")}`);
    values.set(key, value);
  }
  return ok({ name, values });
}

function isMap(value: unknown): value is ReadonlyMap<unknown, unknown> {
  return value instanceof Map;
}

/** Returns the line of the innermost node that exists on the path. */
function lineOf(yaml: Document.Parsed, path: readonly string[], lines: LineCounter): string {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const node = yaml.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return lineAt(node.range[0], lines);
  }
  return lineAt(yaml.contents?.range[0] ?? yaml.range[0], lines);
}

function lineAt(offset: number, lines: LineCounter): string {
  return `line ${Math.max(1, lines.linePos(offset).line)}`;
}
