import type { HeaderLimit } from "capability-protocol";
import { err, printableName, trimFieldValue } from "capability-protocol";
import type { HeaderRule } from "capability-protocol/signers";
import type { Outcome } from "../../domain/denial.ts";
import { PASSED } from "../../domain/denial.ts";
import type { ClientHeader } from "../header-rules.ts";
import { clientHeader, foldName } from "../header-rules.ts";
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
    Array.from(limit.keys()).some((name) => isMcpHeader(foldName(name)));
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
 * Headers that pass even if no limit names them: they describe the body, the response or a WebSocket handshake, and a conditional
 * PUT without its `If-None-Match` would be an overwrite. If a limit names one with a list, the list applies.
 */
const PASSES_UNNAMED = /^(?:if-|content-|accept(?:-|$)|range$|sec-websocket-)/;

/**
 * Decides about a header line that the target's openings let through. A header that is not named is dropped, or refused if the
 * request would mean something else without it.
 */
export function checkHeaderLine(
  { names, mcpNames }: HeaderFilter,
  { lowerCase, folded, rule }: ClientHeader,
  value: string,
  signedRule: SignedHeaderRule,
): "pass" | "drop" | "refuse" {
  if (names.has(lowerCase)) return "pass";
  // Headers that no target gets have come so far only if they are for another Membrane Service.
  if (rule === "never" || PASSES_UNNAMED.test(lowerCase)) return "pass";
  if (rule === "override") return "refuse";
  if (mcpNames !== undefined && isMcpHeader(folded) && !mcpNames.has(lowerCase)) return "refuse";
  const signed = signedRule(lowerCase, value);
  if (signed === undefined || signed === "drop") return "drop";
  return signed === "refuse" ? "refuse" : "pass";
}

/** The header lines of a client that reach the target, by folded name: servers that cannot tell two spellings apart see one. */
export interface HeaderLines {
  readonly byFoldedName: ReadonlyMap<string, readonly HeaderLine[]>;
}

interface HeaderLine {
  readonly lowerCase: string;
  readonly value: string;
}

/** @param headers flat list of names and values. */
export function groupHeaderLines(headers: readonly string[]): HeaderLines {
  const byFoldedName = new Map<string, HeaderLine[]>();
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const { lowerCase, folded } = clientHeader(headers[i] ?? "");
    const line = { lowerCase, value: trimFieldValue(headers[i + 1] ?? "") };
    const known = byFoldedName.get(folded);
    if (known === undefined) byFoldedName.set(folded, [line]);
    else known.push(line);
  }
  return { byFoldedName };
}

/** Whether each header with a list came once, in that spelling, with a value of the list. */
export function checkHeaders({ lists }: NamedValues, lines: HeaderLines): Outcome<undefined> {
  const valuesOf = (name: string): readonly Decoded[] => decodedValues(lines, name);
  for (const [name, listed] of lists) {
    const values = valuesOf(name);
    if (values.length === 0 && !isRequired(name, valuesOf)) continue;
    const [value] = values;
    if (values.length !== 1 || value === undefined || !isListed(listed, value))
      return err({ reason: "header_not_allowed", name: printableName(name), why: "not_listed" });
  }
  return PASSED;
}

/** Nothing for a value that cannot be decoded, and for a line in another spelling of the name. */
type Decoded = string | undefined;

function decodedValues({ byFoldedName }: HeaderLines, lowerCaseName: string): readonly Decoded[] {
  const folded = foldName(lowerCaseName);
  const decode = isMcpHeader(folded) ? decodeMcpValue : (value: string): Decoded => value;
  const lines = byFoldedName.get(folded) ?? NO_LINES;
  return lines.map(({ lowerCase, value }) => (lowerCase === lowerCaseName ? decode(value) : undefined));
}

const NO_LINES: readonly HeaderLine[] = [];
