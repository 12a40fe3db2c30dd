import { isDeepStrictEqual } from "node:util";
import { describeProblem } from "capability-protocol/result";
import { Document, YAMLMap, isMap, visit } from "yaml";
import type { ProfileDocument } from "./document.ts";
import { parseDocuments } from "./document.ts";
import { ProfileError } from "./error.ts";

/** The text of a file, and the keys that lead to the map of strings in each of its documents. */
export interface ProfileText {
  /** Path for messages. */
  readonly path: string;
  readonly text: string;
  readonly keyPath: readonly string[];
}

type NamedValues = Pick<ProfileDocument, "name" | "values">;

/** Parses the documents of a file; throws a `ProfileError` that names the line when it is malformed. */
export function parseProfileDocuments(file: ProfileText): readonly ProfileDocument[] {
  const parsed = parseDocuments(file.text, file.keyPath);
  if (!parsed.ok) {
    throw new ProfileError("malformed_file", `${file.path}: ${describeProblem(parsed.error)}`);
  }
  return parsed.value;
}

/**
 * Returns the text with these values set in a profile, in a new document if it has none.
 *
 * The text outside its document stays byte for byte. Within it, data and comments stay, but the document is formatted in the
 * style of the `yaml` package: two spaces of indentation, blanks inside flow braces, an empty line before a closing comment,
 * long strings on one line, escapes only where needed, line feeds without carriage returns.
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

/** Returns the text without any document of this name. Comments above the first document of the file stay. */
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
 * Checks a new text by parsing it before it replaces the old one, since the files have secrets that cannot be made again. The
 * check fails for YAML that only a person can edit, such as a document without a marker after the one that was removed.
 */
function verifyRoundTrip(file: ProfileText, text: string, expected: readonly NamedValues[]): string {
  const read = parseDocuments(text, file.keyPath);
  const pickNamedValues = ({ name, values }: NamedValues): NamedValues => ({ name, values });
  if (read.ok && isDeepStrictEqual(read.value.map(pickNamedValues), expected.map(pickNamedValues)))
    return text;
  throw new ProfileError(
    "unchangeable_document",
    `${file.path}: cannot be changed without loss of data; nothing was changed, edit it by hand`,
  );
}

function newDocument(file: ProfileText, name: string, values: ReadonlyMap<string, string>): string {
  // YAML 1.1 parsers do not read a bare `yes` or `2001-01-01` as a string.
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

/** Formats a document without folded lines: a folded token is the same for YAML, but broken when a user copies it. */
function stringifyDocument(yaml: Document): string {
  return yaml.toString({ lineWidth: 0 });
}

/** Refuses aliases: a changed value with an anchor would also change wherever an alias repeats it. */
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
      `${file.path}: ${lineOfStart(file, document)}: the profile uses YAML aliases; replace them by their values, or edit it by hand`,
    );
  }
}

function duplicateProfile(file: ProfileText, second: ProfileDocument): ProfileError {
  return new ProfileError(
    "duplicate_profile",
    `${file.path}: ${lineOfStart(file, second)}: expected one document for each profile; remove one with this name`,
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
