import { type Parsed, ok, refuse } from "../result.ts";
import { memberPath, parseEntries, parseFields } from "./fields.ts";

/** Parses a value that is present. */
export type Parser<T> = (value: unknown, path: string) => Parsed<T>;

/** The parser of each member of an object. */
export type MemberParsers<T> = { readonly [Name in keyof T]-?: Parser<Exclude<T[Name], undefined>> };

/** Parses an object whose members are optional; any other member is refused. */
export function parseMembers<T extends object>(
  value: unknown,
  path: string,
  parsers: MemberParsers<T>,
): Parsed<Partial<T>> {
  const fields = parseFields(value, path, Object.keys(parsers));
  if (!fields.ok) return fields;
  const members: Partial<T> = {};
  for (const name in parsers) {
    const given = fields.value.get(name);
    if (given === undefined) continue;
    const parsed = parsers[name](given, memberPath(path, name));
    if (!parsed.ok) return parsed;
    members[name] = parsed.value;
  }
  return ok(members);
}

/** Makes a parser of lists with at least one entry. */
export function listOf<T>(parse: Parser<T>, max: number, expected: string): Parser<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length === 0 || value.length > max)
      return refuse(path, `a list of 1 to ${max} ${expected}`);
    const entries: T[] = [];
    for (const [index, entry] of value.entries()) {
      const parsed = parse(entry, `${path}[${index}]`);
      if (!parsed.ok) return parsed;
      entries.push(parsed.value);
    }
    return ok(entries);
  };
}

/** Makes a parser of objects with any names. */
export function mapOf<T>(
  parseName: Parser<string>,
  parse: Parser<T>,
  max: number,
): Parser<ReadonlyMap<string, T>> {
  return (value, path) => {
    const entries = parseEntries(value, path);
    if (!entries.ok) return entries;
    if (entries.value.size > max) return refuse(path, `at most ${max} names`);
    const map = new Map<string, T>();
    for (const [given, member] of entries.value) {
      const name = parseName(given, memberPath(path, given));
      if (!name.ok) return name;
      if (map.has(name.value)) return refuse(memberPath(path, given), "each name once, whatever its case");
      const parsed = parse(member, memberPath(path, given));
      if (!parsed.ok) return parsed;
      map.set(name.value, parsed.value);
    }
    return ok(map);
  };
}

export function integer(min: number, max: number, expected: string): Parser<number> {
  return (value, path) => {
    const isAllowed =
      typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max;
    return isAllowed ? ok(value) : refuse(path, expected);
  };
}
