import { parseExportRequest } from "capability-protocol";
import type { TargetContent } from "../../domain/target.ts";
import { contentOf } from "../../domain/target.ts";

/**
 * Reads the payload of a target of version 1: the JSON body of the export, checked by the rules of today. The payload opens
 * only with a token, so there is no moment at which all targets could be written again: this step is taken at each reading.
 *
 * @returns nothing if the rules of today refuse the body; it was exported under wider ones.
 */
export function readTargetVersion1(payload: Buffer): TargetContent | undefined {
  const body: unknown = JSON.parse(payload.toString("utf8"));
  const request = parseExportRequest(body);
  return request.ok ? contentOf(request.value) : undefined;
}
