import { configureCommand } from "../capability/profile-option.ts";
import { isPrintable, shellWord } from "../shell.ts";
import { fieldOf, isAboutFile } from "./field-option.ts";
import { LIMITS_FILE_FORM } from "./limits-file.ts";
import type { RequestContext } from "./request-context.ts";

/** A refusal by the service, or by the SDK before anything was sent. */
export interface ServiceError {
  readonly statusCode: number;
  readonly code: string;
  readonly message: string;
}

/** Codes of a quota that is used up. `store_full` is not one: it concerns the whole service. */
const QUOTA_CODES: ReadonlySet<string> = new Set([
  "membrane_quota_exceeded",
  "tenant_quota_exceeded",
  "membrane_storage_exceeded",
  "tenant_storage_exceeded",
]);

/** Returns a hint for a refusal. */
export function adviseOnResponse(
  { statusCode, code, message }: ServiceError,
  context: RequestContext,
): string {
  if (code === "membrane_exists") return `${queryCommand(context)}   prints its capabilities.`;
  if (code === "lineage_too_large")
    return "The capability has too many ancestors: use one nearer to the source.";
  if (QUOTA_CODES.has(code)) return "Revoke a membrane that is no longer needed.";
  if (code === "store_full")
    return "Revokes still work. The operator must free space on the disk of the service.";
  if (code === "audit_unavailable")
    return "Revokes still work. The operator must see to the disk of the audit trail.";
  if (code === "record_too_new") return "The operator must upgrade the service.";
  if (code === "store_unavailable" || code === "store_failed")
    return "It may have taken effect, and its use may have been counted. If the uses of the capability are not limited, it is safe to retry in a few seconds.";
  if (code === "revocations_unknown" || code === "service_stopping")
    return "The target may have received it, and its use may have been counted: find out before you send it again.";
  if (code === "quota_exhausted") return "Its limits permit no more uses until then.";
  if (code === "not_delegable") return "Its exporter lets no one pass it on: ask them for a separate one.";
  if (code === "too_many_auth_failures")
    return "Too many capabilities from this address did not work. Check yours, and try again in a minute.";
  if (code === "service_quota_exceeded")
    return "Delete a tenant that is no longer needed, or ask the operator.";
  if (code === "wrong_capability")
    return `The capability is of another kind, and nothing was done: this needs one to ${context.right}. "capi request" invokes an exported one.`;
  if (code === "invalid_capability")
    return "The capability to export is unknown, has been revoked, or has ended.";
  switch (statusCode) {
    case 400:
      return adviseOnField(message, context);
    case 401:
      return unauthorized(context);
    case 404:
    case 405:
      return `Is the capability one to ${context.right}?`;
    case 413:
      return "The request is larger than the service accepts; its message gives the limit.";
    case 429:
    case 503:
      return "The service is busy and changed nothing. Try again in a few seconds.";
    default:
      return `Run "membrane doctor" on the machine of the service, and see its log.`;
  }
}

/** What a service says of a field that it does not know; the second form is that of a service from before 0.1.0. */
const UNKNOWN_FIELD = /: expected (?:one of the fields |no such field;)/;

/** The fields that every service knows which carries out the operation. */
const FIRST_FIELDS: ReadonlySet<string | undefined> = new Set(["uri", "capability", "id"]);

/** Fields whose options people give the name of a file. */
const PEM_FIELDS: ReadonlySet<string> = new Set(["tls.ca", "tls.cert", "tls.key"]);

function adviseOnField(message: string, { right, limitsFile }: RequestContext): string {
  if (limitsFile !== undefined && isAboutFile(message, limitsFile)) return LIMITS_FILE_FORM;
  if (message.includes("--allow-target"))
    return 'The operator of the service opens other addresses: "membrane serve --allow-target ADDRESS:PORT", such as 127.0.0.1:3000,[::1]:3000 for localhost. Cloud metadata and the service itself stay closed.';
  const field = fieldOf(message);
  const isUnknown = UNKNOWN_FIELD.test(message) && field?.includes(".") !== true;
  // The service parses a body by the rules of the capability's operation, not of the one that the client intended.
  if (isUnknown && FIRST_FIELDS.has(field))
    return `The capability seems to be of another kind: this needs one to ${right}.`;
  // The SDK has checked the names before.
  if (isUnknown) return "The service does not know this field: it is older than capi.";
  const help = `"capi membrane ${right} --help" lists its options.`;
  return field !== undefined && PEM_FIELDS.has(field)
    ? `The value is the PEM itself. For a file, write @FILE in its place.\n${help}`
    : help;
}

function unauthorized({ authority, right, sourceProfile }: RequestContext): string {
  return [
    `${authority} does not accept the capability. It or one of its ancestors may have been revoked or have ended,`,
    "it may be used up, not valid yet or not for this address, or it belongs to another service.",
    `Ask its issuer for a new one to ${right}.`,
    ...(sourceProfile === undefined
      ? []
      : [
          `It comes from the profile ${shellWord(sourceProfile)}: ${configureCommand(sourceProfile)}   replaces it.`,
        ]),
  ].join("\n");
}

function queryCommand({ id }: RequestContext): string {
  return `capi membrane query --id ${id !== undefined && isPrintable(id) ? shellWord(id) : "ID"}`;
}
