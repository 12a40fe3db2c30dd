import { configureLine } from "../capability/named-profile.ts";
import { isPlain, shellWord } from "../shell.ts";
import type { Place } from "./place.ts";

/** What the service, or the SDK before anything was sent, said no with. */
export interface Refusal {
  readonly statusCode: number;
  readonly code: string;
  readonly message: string;
}

/** A quota is used up. `store_full` is not one: it concerns the whole service. */
const FULL: ReadonlySet<string> = new Set([
  "membrane_full",
  "tenant_full",
  "membrane_storage_exceeded",
  "tenant_storage_exceeded",
]);

/** What to do about a refusal. */
export function adviseOnAnswer({ statusCode, code, message }: Refusal, place: Place): string {
  if (code === "membrane_exists") return `${queryFor(place)}   prints its capabilities.`;
  if (code === "lineage_limit") return "The capability has passed through too many hands.";
  if (FULL.has(code)) return "Revoke a membrane that is no longer needed.";
  if (code === "store_full")
    return "Revokes still work. The operator must make room on the disk of the service.";
  if (code === "store_busy" || code === "store_failed")
    return "It may have taken effect. It is safe to try again in a few seconds.";
  if (code === "service_quota_exceeded")
    return "Delete a tenant that is no longer needed, or ask the operator.";
  if (code === "wrong_capability")
    return `The capability is one for something else, and nothing was done: this needs one to ${place.right}. "capi request" invokes an exported one.`;
  if (code === "dead_capability") return "The capability to pass on has been revoked, or never was one.";
  switch (statusCode) {
    case 400:
      // The service reads a body by the rules of what the capability is for, whatever the sender had in mind.
      return message.includes("no such field")
        ? `The capability seems to be one for something else: this needs one to ${place.right}.`
        : `"capi membrane ${place.right} --help" tells what it takes.`;
    case 401:
      return unauthorized(place);
    case 404:
    case 405:
      return `Is the capability one to ${place.right}?`;
    case 413:
      return "What was sent is larger than the service takes; its message says how much that is.";
    case 429:
    case 503:
      return "The service is busy and changed nothing. Try again in a few seconds.";
    default:
      return `"membrane doctor" and the log on the machine of the service say more.`;
  }
}

function unauthorized({ authority, right, takenFrom }: Place): string {
  return [
    `${authority} does not accept the capability. It may have been revoked, or something it descends from;`,
    `or it is of another service. Ask who gave it for another one to ${right}.`,
    ...(takenFrom === undefined
      ? []
      : [
          `It was taken from the profile ${shellWord(takenFrom)}: ${configureLine(takenFrom)}   puts another there.`,
        ]),
  ].join("\n");
}

function queryFor({ id }: Place): string {
  return `capi membrane query --id ${id !== undefined && isPlain(id) ? shellWord(id) : "ID"}`;
}
