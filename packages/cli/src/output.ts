import { parseCapabilityUri } from "capability-protocol/uri";
import type { ExportResponse, MembraneResponse, QueryResponse } from "capability-sdk";
import type { OutputFormat } from "./commands/options/shared-options.ts";
import { CliError } from "./errors/cli-error.ts";
import { quoteForShell } from "./shell.ts";
import { CONTROL_CHARACTERS, escapeCharacter } from "./terminal.ts";

/**
 * Formats JSON for people and programs. Control characters are escaped, since the service chooses the names in a
 * response.
 */
export function formatJson(value: object): string {
  const text = JSON.stringify(value, null, 2).replace(CONTROL_CHARACTERS, escapeCharacter);
  return `${text}\n`;
}

export function formatMembrane(membrane: MembraneResponse, format: OutputFormat): string {
  switch (format) {
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

/** @throws CliError when the format needs a membrane, or exactly one, and the response has none or several. */
export function formatQuery(response: QueryResponse, format: OutputFormat): string {
  const [first, ...others] = response.membranes;
  if (format === "json") return formatJson(response);
  if (first === undefined) {
    throw new CliError("no such membrane", "capi membrane query --limit 1000   lists the existing ones");
  }
  if (format === "uri") return formatUris(response.membranes);
  if (others.length > 0) {
    throw new CliError("--output env: expected one membrane, found several", "Name it with --id ID.");
  }
  return formatMembrane(first, format);
}

/** @param label the note that the export gave it. The service does not return it. */
export function formatExport(
  response: ExportResponse,
  label: string | undefined,
  format: OutputFormat,
): string {
  switch (format) {
    case "json":
      return formatJson(label === undefined ? response : { ...response, label });
    case "uri":
      return `${response.capability}\n`;
    case "env":
      return formatVariables({ CAPABILITY: response.capability });
  }
}

function formatUris(membranes: readonly MembraneResponse[]): string {
  return membranes.map(({ capabilities }) => `${capabilities.export}\n${capabilities.revoke}\n`).join("");
}

/** Formats `NAME_URI` and `NAME_TOKEN` of each capability. A shell evaluates the text, so each value is quoted as one word. */
function formatVariables(uris: Readonly<Record<string, string>>): string {
  return Object.entries(uris)
    .flatMap(([name, uri]) => [
      [`${name}_URI`, uri],
      [`${name}_TOKEN`, parseCapabilityUri(uri)?.token ?? ""],
    ])
    .map(([name, value = ""]) => `${name}=${quoteForShell(value)}\n`)
    .join("");
}
