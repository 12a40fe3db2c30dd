import { configureCommand } from "../capability/named-profile.ts";
import { isPrintable, shellWord } from "../shell.ts";
import type { RequestContext } from "./request-context.ts";

/** What the service, or the SDK before anything was sent, said no with. */
export interface ServiceError {
  readonly statusCode: number;
  readonly code: string;
  readonly message: string;
}

/** A quota is used up. `store_full` is not one: it concerns the whole service. */
const QUOTA_CODES: ReadonlySet<string> = new Set([
  "membrane_full",
  "tenant_full",
  "membrane_storage_exceeded",
  "tenant_storage_exceeded",
]);

/** What to do about a refusal. */
export function adviseOnResponse(
  { statusCode, code, message }: ServiceError,
  context: RequestContext,
): string {
  if (code === "membrane_exists") return `${queryCommand(context)}   prints its capabilities.`;
  if (code === "lineage_limit") return "The capability has passed through too many hands.";
  if (QUOTA_CODES.has(code)) return "Revoke a membrane that is no longer needed.";
  if (code === "store_full")
    return "Revokes still work. The operator must make room on the disk of the service.";
  if (code === "store_busy" || code === "store_failed")
    return "It may have taken effect. It is safe to try again in a few seconds.";
  if (code === "service_quota_exceeded")
    return "Delete a tenant that is no longer needed, or ask the operator.";
  if (code === "wrong_capability")
    return `The capability is one for something else, and nothing was done: this needs one to ${context.right}. "capi request" invokes an exported one.`;
  if (code === "dead_capability") return "The capability to pass on has been revoked, or never was one.";
  switch (statusCode) {
    case 400:
      // The service reads a body by the rules of what the capability is for, whatever the sender had in mind.
      return message.includes("no such field")
        ? `The capability seems to be one for something else: this needs one to ${context.right}.`
        : `"capi membrane ${context.right} --help" tells what it takes.`;
    case 401:
      return unauthorized(context);
    case 404:
    case 405:
      return `Is the capability one to ${context.right}?`;
    case 413:
      return "What was sent is larger than the service takes; its message says how much that is.";
    case 429:
    case 503:
      return "The service is busy and changed nothing. Try again in a few seconds.";
    default:
      return `"membrane doctor" and the log on the machine of the service say more.`;
  }
}

function unauthorized({ authority, right, sourceProfile }: RequestContext): string {
  return [
    `${authority} does not accept the capability. It may have been revoked, or something it descends from;`,
    `or it is of another service. Ask who gave it for another one to ${right}.`,
    ...(sourceProfile === undefined
      ? []
      : [
          `It was taken from the profile ${shellWord(sourceProfile)}: ${configureCommand(sourceProfile)}   puts another there.`,
        ]),
  ].join("\n");
}

function queryCommand({ id }: RequestContext): string {
  return `capi membrane query --id ${id !== undefined && isPrintable(id) ? shellWord(id) : "ID"}`;
}
