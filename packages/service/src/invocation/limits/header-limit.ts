import type { HeaderLimit } from "capability-protocol";
import { err, foldHeaderName, printableName, trimFieldValue } from "capability-protocol";
import type { HeaderRule } from "capability-protocol/signers";
import type { Outcome } from "../../domain/denial.ts";
import { PASSED } from "../../domain/denial.ts";
import type { ClientHeader } from "../header-rules.ts";
import { clientHeader } from "../header-rules.ts";
import type { NamedValues } from "./listed-values.ts";
import { isListed } from "./listed-values.ts";
import { decodeMcpValue, isMcpHeader, isRequired } from "./mcp-headers.ts";

/** All limits on headers of a chain together, so that a header line costs the same however many there are. */
export interface HeaderFilter {
  /** What every limit names. */
  readonly names: ReadonlySet<string>;
  /** What every limit names that names headers of MCP; absent if there is none. */
  readonly mcpNames?: ReadonlySet<string>;
}

/** @returns nothing if there are no limits. */
export function compileHeaderFilter(limits: readonly HeaderLimit[]): HeaderFilter | undefined {
  const names = intersection(limits);
  if (names === undefined) return undefined;
  const isMcp = (limit: HeaderLimit): boolean =>
    Array.from(limit.keys()).some((name) => isMcpHeader(foldHeaderName(name)));
  const mcpNames = intersection(limits.filter(isMcp));
  return mcpNames === undefined ? { names } : { names, mcpNames };
}

function intersection([first, ...others]: readonly HeaderLimit[]): ReadonlySet<string> | undefined {
  if (first === undefined) return undefined;
  return new Set(Array.from(first.keys()).filter((name) => others.every((limit) => limit.has(name))));
}

/** What the target's signature says about a header; nothing if the target does not act on it. */
export type SignedHeaderRule = (lowerCaseName: string, value: string) => HeaderRule | undefined;

/**
 * Decides about a header line that the target's openings let through. A header that is not named is dropped, or refused if the
 * request would mean something else without it; what the target's signature lets through passes.
 */
export function checkHeaderLine(
  { names, mcpNames }: HeaderFilter,
  { lowerCase, folded, rule, passesUnnamed }: ClientHeader,
  value: string,
  signedRule: SignedHeaderRule,
): "pass" | "drop" | "refuse" {
  if (passesUnnamed || names.has(lowerCase)) return "pass";
  if (rule === "override") return "refuse";
  if (mcpNames !== undefined && isMcpHeader(folded) && !mcpNames.has(lowerCase)) return "refuse";
  const signed = signedRule(lowerCase, value);
  if (signed === undefined || signed === "drop") return "drop";
  return signed === "refuse" ? "refuse" : "pass";
}

/** The header lines of a client that reach the target, by folded name: servers that cannot tell two spellings apart see one. */
export type HeaderLines = ReadonlyMap<string, HeaderLine | "repeated">;

interface HeaderLine {
  readonly lowerCase: string;
  /** Decoded here, once for all limits. Nothing if it cannot be decoded. */
  readonly value: string | undefined;
}

/** @param headers flat list of names and values. */
export function groupHeaderLines(headers: readonly string[]): HeaderLines {
  const lines = new Map<string, HeaderLine | "repeated">();
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const header = clientHeader(headers[i] ?? "");
    // Most lines of a long head can repeat a few names: only the first line of each is decoded.
    const line = lines.has(header.folded) ? "repeated" : parseLine(header, headers[i + 1] ?? "");
    lines.set(header.folded, line);
  }
  return lines;
}

function parseLine({ lowerCase, folded }: ClientHeader, rawValue: string): HeaderLine {
  const value = trimFieldValue(rawValue);
  return { lowerCase, value: isMcpHeader(folded) ? decodeMcpValue(value) : value };
}

/** Whether each header with a list came once, in that spelling, with a value of the list. */
export function checkHeaders({ lists }: NamedValues, lines: HeaderLines): Outcome<undefined> {
  const valueOf = (name: string): string | undefined => singleValue(lines.get(foldHeaderName(name)), name);
  for (const [name, listed] of lists) {
    const line = lines.get(foldHeaderName(name));
    if (line === undefined && !isRequired(name, valueOf)) continue;
    const value = singleValue(line, name);
    if (value === undefined || !isListed(listed, value))
      return err({ reason: "header_not_allowed", name: printableName(name), why: "not_listed" });
  }
  return PASSED;
}

/** @returns nothing unless the header came once, in this spelling, with a value that can be decoded. */
function singleValue(line: HeaderLine | "repeated" | undefined, lowerCaseName: string): string | undefined {
  if (line === undefined || line === "repeated" || line.lowerCase !== lowerCaseName) return undefined;
  return line.value;
}
