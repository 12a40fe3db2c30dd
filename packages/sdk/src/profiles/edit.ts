import { isDeepStrictEqual } from "node:util";
import { describeProblem } from "capability-protocol";
import { Document, YAMLMap, isMap, visit } from "yaml";
import type { ProfileDocument } from "./document.ts";
import { parseDocuments } from "./document.ts";
import { ProfileError } from "./error.ts";

/** The text of a file, and the keys that lead to the map of strings in each of its documents. */
export interface ProfileText {
  /** For messages. */
  readonly path: string;
  readonly text: string;
  readonly keyPath: readonly string[];
}

type NamedValues = Pick<ProfileDocument, "name" | "values">;

/** The documents of a file; throws a `ProfileError` that names the line when it is malformed. */
export function parseProfileDocuments(file: ProfileText): readonly ProfileDocument[] {
  const parsed = parseDocuments(file.text, file.keyPath);
  if (!parsed.ok) {
    throw new ProfileError("malformed_file", `${file.path}: ${describeProblem(parsed.error)}`);
  }
  return parsed.value;
}

/**
 * The text with these values put over those that a profile has, in a document of its own if it has none.
 *
 * Every byte outside its document stays. Inside, data and comments stay, but the document is written anew in the style
 * of the `yaml` package: two spaces of indentation, blanks inside flow braces, an empty line before a closing comment,
 * long strings in one line, escapes only where they are needed, line feeds without carriage returns.
 */
export function setValues(file: ProfileText, name: string, values: ReadonlyMap<string, string>): string {
  const documents = parseProfileDocuments(file);
  const [present, second] = documents.filter((document) => document.name === name);
  if (second !== undefined) throw duplicateProfile(file, second);
  if (present === undefined) {
    const text = `${withTrailingNewline(file.text)}---\n${newDocument(file, name, values)}`;
    return verifyRoundTrip(file, text, [...documents, { name, values }]);
  }
  if ([...values].every(([key, value]) => present.values.get(key) === value)) return file.text;
  rejectAliases(file, present);
  setDocumentValues(present.yaml, file, values);
  const text = splice(file.text, present.start, present.end, stringifyDocument(present.yaml));
  const merged = { name, values: new Map([...present.values, ...values]) };
  return verifyRoundTrip(
    file,
    text,
    documents.map((document) => (document === present ? merged : document)),
  );
}

/** The text without any document of this name. Comments above the first document of the file stay. */
export function removeDocuments(file: ProfileText, name: string): string {
  const documents = parseProfileDocuments(file);
  const removed = documents.filter((document) => document.name === name);
  if (removed.length === 0) return file.text;
  const text = removed.reduceRight(
    (text, { start, end, yaml }) => splice(text, start === 0 ? yaml.range[0] : start, end, ""),
    file.text,
  );
  return verifyRoundTrip(
    file,
    text,
    documents.filter((document) => document.name !== name),
  );
}

/**
 * These files hold what cannot be made again, so each new text is read back before it replaces the old one. It fails
 * for YAML that only a person can edit, such as a document without a marker that follows the one removed.
 */
function verifyRoundTrip(file: ProfileText, text: string, expected: readonly NamedValues[]): string {
  const read = parseDocuments(text, file.keyPath);
  const pickNamedValues = ({ name, values }: NamedValues): NamedValues => ({ name, values });
  if (read.ok && isDeepStrictEqual(read.value.map(pickNamedValues), expected.map(pickNamedValues)))
    return text;
  throw new ProfileError(
    "unchangeable_document",
    `${file.path}: cannot be changed without harm to what it holds; nothing was changed, edit it by hand`,
  );
}

function newDocument(file: ProfileText, name: string, values: ReadonlyMap<string, string>): string {
  // Readers of YAML 1.1 take a bare `yes` or `2001-01-01` for something else than a string.
  const yaml = new Document(undefined, { compat: "yaml-1.1" });
  const map = new YAMLMap();
  map.set("profile", name);
  yaml.contents = map;
  if (values.size > 0) setDocumentValues(yaml, file, values);
  return stringifyDocument(yaml);
}

function setDocumentValues(yaml: Document, file: ProfileText, values: ReadonlyMap<string, string>): void {
  let map = yaml.contents;
  for (const key of file.keyPath) map = ensureMapAt(map, key);
  if (isMap(map)) for (const [key, value] of values) map.set(key, value);
}

function ensureMapAt(parent: unknown, key: string): YAMLMap {
  if (!isMap(parent)) throw new TypeError("not a document that was parsed");
  const child = parent.get(key);
  if (isMap(child)) return child;
  const created = new YAMLMap();
  parent.set(key, created);
  return created;
}

/** A folded line would be the same to YAML, and a broken token to a user who copies it from the file. */
function stringifyDocument(yaml: Document): string {
  return yaml.toString({ lineWidth: 0 });
}

/** A value that is changed may be an anchor's, and then it changes in places that were not named. */
function rejectAliases(file: ProfileText, document: ProfileDocument): void {
  let found = false;
  visit(document.yaml, {
    Alias: () => {
      found = true;
      return visit.BREAK;
    },
  });
  if (found) {
    throw new ProfileError(
      "unchangeable_document",
      `${file.path}: ${lineOfStart(file, document)}: the profile uses aliases of YAML; write them out, or edit it by hand`,
    );
  }
}

function duplicateProfile(file: ProfileText, second: ProfileDocument): ProfileError {
  return new ProfileError(
    "duplicate_profile",
    `${file.path}: ${lineOfStart(file, second)}: expected one document for each profile; remove one of this name`,
  );
}

function lineOfStart(file: ProfileText, document: ProfileDocument): string {
  return `line ${file.text.slice(0, document.yaml.contents?.range[0] ?? document.start).split("\n").length}`;
}

function splice(text: string, start: number, end: number, replacement: string): string {
  return withTrailingNewline(text.slice(0, start)) + replacement + text.slice(end);
}

function withTrailingNewline(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
