import type { FirstCapabilities } from "../management/tenants.ts";

/** The first capabilities for a program, as `init --json` prints them and a start without a terminal writes them. */
export function formatFirstCapabilities(first: FirstCapabilities, ca: string | undefined): string {
  return JSON.stringify(firstCapabilitiesJson(first, ca), null, 2);
}

export function firstCapabilitiesJson(first: FirstCapabilities, ca: string | undefined): object {
  return { ...first, ...(ca === undefined ? {} : { ca }) };
}

/** @returns nothing for any other text, such as one that was not written to its end. */
export function parseFirstCapabilities(text: string): FirstCapabilities | undefined {
  const { tenant, capabilities, operator } = members(parseJson(text));
  const { create, query, deleteSelf } = members(capabilities);
  const { provision } = members(operator);
  if (typeof tenant !== "string" || typeof provision !== "string") return undefined;
  if (typeof create !== "string" || typeof query !== "string" || typeof deleteSelf !== "string")
    return undefined;
  return { tenant, capabilities: { create, query, deleteSelf }, operator: { provision } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function members(value: unknown): Partial<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
