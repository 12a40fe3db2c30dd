import { parseCapabilityUri } from "capability-protocol";
import type { ExportAnswer, MembraneAnswer, QueryAnswer } from "capability-sdk";
import { Failure } from "./failure/failure.ts";
import { quoteForShell } from "./shell.ts";
import { ACTING, escapeCharacter } from "./terminal.ts";

/** Forms that an answer can be printed in. */
export const OUTPUT_FORMS = ["json", "uri", "env"] as const;
export type OutputForm = (typeof OUTPUT_FORMS)[number];

/**
 * JSON for a person and for programs. What acts on a terminal is escaped, as JSON allows: names in an answer are whatever
 * the service says.
 */
export function formatJson(value: object): string {
  const text = JSON.stringify(value, null, 2).replace(ACTING, escapeCharacter);
  return `${text}\n`;
}

export function formatMembrane(membrane: MembraneAnswer, form: OutputForm): string {
  switch (form) {
    case "json":
      return formatJson(membrane);
    case "uri":
      return formatUris([membrane]);
    case "env":
      return formatVariables({
        EXPORT: membrane.capabilities.export,
        REVOKE: membrane.capabilities.revoke,
      });
  }
}

/** @throws Failure when the form needs a membrane, or exactly one, and the answer has not got it. */
export function formatQuery(answer: QueryAnswer, form: OutputForm): string {
  const [first, ...others] = answer.membranes;
  if (form === "json") return formatJson(answer);
  if (first === undefined) {
    throw new Failure("no such membrane", "capi membrane query --limit 1000   lists those there are");
  }
  if (form === "uri") return formatUris(answer.membranes);
  if (others.length > 0) {
    throw new Failure("--output env: expected one membrane, there are more", "Name it with --id ID.");
  }
  return formatMembrane(first, form);
}

export function formatExport(answer: ExportAnswer, form: OutputForm): string {
  switch (form) {
    case "json":
      return formatJson(answer);
    case "uri":
      return `${answer.capability}\n`;
    case "env":
      return formatVariables({ CAPABILITY: answer.capability });
  }
}

function formatUris(membranes: readonly MembraneAnswer[]): string {
  return membranes.map(({ capabilities }) => `${capabilities.export}\n${capabilities.revoke}\n`).join("");
}

/** `NAME_URI` and `NAME_TOKEN` of each capability. A shell will evaluate it: nothing in it may be more than a word. */
function formatVariables(uris: Readonly<Record<string, string>>): string {
  return Object.entries(uris)
    .flatMap(([name, uri]) => [
      [`${name}_URI`, uri],
      [`${name}_TOKEN`, parseCapabilityUri(uri)?.token ?? ""],
    ])
    .map(([name, value = ""]) => `${name}=${quoteForShell(value)}\n`)
    .join("");
}
