import type { Kind } from "../domain/capability.ts";
import type { ErrorCode } from "./wire-error.ts";

/** What a request is for: the kind of its capability, or the public route that it takes without one. */
export type Purpose = Kind | PublicRouteName;

/** The names of the public routes (`http/routes.ts`). */
export type PublicRouteName = "preflight" | "health" | "readiness" | "oauthMetadata";

/** What does not depend on the request that is refused. */
export interface ErrorFacts {
  readonly status: number;
  /** The value of `Retry-After`, in seconds; absent if there is none, or if it depends on the request. */
  readonly retryAfterSeconds?: number;
  /** Which requests get it. docs/openapi.yaml has it for each, and a test compares that with a service. */
  readonly purposes: readonly Purpose[];
  /** When they get it, in Markdown: a cell of the table in docs/http-api.md, whose links it may use. */
  readonly when: string;
}

const CAPABILITIES: readonly Purpose[] = [
  "create",
  "query",
  "export",
  "revoke",
  "deleteSelf",
  "provision",
  "invoke",
];

/** Also what is not recognized as a request yet. */
const ALL: readonly Purpose[] = [...CAPABILITIES, "preflight", "health", "readiness", "oauthMetadata"];

/** Operations with a body in JSON. */
const WITH_BODY: readonly Purpose[] = ["create", "export", "provision"];

/** Operations that create something; a delegated `query` does. */
const CREATING: readonly Purpose[] = [...WITH_BODY, "query"];

const SECOND = 1;

/** After a minute failed authorizations are forgotten; a full disk takes longer than a second, too. */
const MINUTE = 60;

/** Every error of the service, by its code: the only place that says its status. `http/wire-error.ts` has the messages. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorFacts>> = {
  malformed_request: {
    status: 400,
    purposes: ALL,
    when: "the request could be understood in two ways, or is not meant for this service",
  },
  invalid_field: {
    status: 400,
    purposes: CAPABILITIES,
    when: "the message names the field and what was expected; a name that holds a token is shown as `[token]`",
  },
  invalid_path: {
    status: 400,
    purposes: ["invoke"],
    when: "two servers could read the path as two paths; the message names the [rule](#what-may-clients-vary)",
  },
  wrong_capability: {
    status: 400,
    purposes: CAPABILITIES,
    when: "`Membrane-Operation` names another operation than the capability's; nothing was done or sent",
  },
  invalid_capability: {
    status: 400,
    purposes: ["export"],
    when: "the capability to re-export is unknown or does not work",
  },
  not_delegable: {
    status: 400,
    purposes: ["export"],
    when: "the limits of the capability to re-export do not allow that",
  },
  unauthorized: {
    status: 401,
    purposes: CAPABILITIES,
    when: "no token, or one that is malformed, unknown, revoked, expired, not valid yet, used up, not valid for the client's address, or in a Basic header that is [not accepted](#where-can-the-token-be): always the same response, with a [challenge](#where-can-the-token-be)",
  },
  path_not_allowed: {
    status: 403,
    purposes: ["invoke"],
    when: "the path is not allowed by the [limits](limits.md) of the capability or one that it re-exports",
  },
  query_not_allowed: {
    status: 403,
    purposes: ["invoke"],
    when: "the query, or a key of it, which the message names, is not allowed by the target's openings, or by the limits of the capability or one that it re-exports; or it would change the request's meaning. Nothing was sent",
  },
  header_not_allowed: {
    status: 403,
    purposes: ["invoke"],
    when: "a header, which the message names, is not allowed by the limits of the capability or one that it re-exports; or it would change the request's meaning. Nothing was sent",
  },
  path_not_found: {
    status: 404,
    purposes: CAPABILITIES,
    when: "the path is not `/`, and the target has no `allowPath`; `curl -T FILE` appends the file's name, `curl -T - < FILE` does not. Capabilities of the service itself have only the path `/`",
  },
  no_oauth: {
    status: 404,
    purposes: ["oauthMetadata"],
    when: "there is no authorization server: MCP clients look for one at `/.well-known/oauth-protected-resource`, `oauth-authorization-server` and `openid-configuration`, and below, and use the token that they have after a 404. `GET` and `HEAD` of these paths never reach a target, whatever the token: clients would present it to the authorization server that the target names. A target whose own URI is one of them is reached at `/`",
  },
  method_not_allowed: {
    status: 405,
    purposes: ["invoke"],
    when: "`Allow` names what is, by the limits too; it is empty if the target is always sent a method that the limits do not allow. Capabilities of the service itself have only the methods of their operation",
  },
  request_timeout: {
    status: 408,
    purposes: ALL,
    when: "the head did not come in time, or the rest of the body too slowly",
  },
  membrane_exists: {
    status: 409,
    purposes: ["create"],
    when: "the id is taken by a membrane that is alive",
  },
  tenant_exists: {
    status: 409,
    purposes: ["provision"],
    when: "the id is taken by a tenant that is alive",
  },
  lineage_too_large: {
    status: 409,
    purposes: CREATING,
    when: "what would be made descends from too much",
  },
  membrane_quota_exceeded: {
    status: 409,
    purposes: ["export", "query"],
    when: "as many capabilities went through the membrane as the operator allows",
  },
  tenant_quota_exceeded: {
    status: 409,
    purposes: ["create", "provision"],
    when: "as many membranes are in the tenant as the operator allows, or fewer own capabilities than a tenant begins with",
  },
  membrane_storage_exceeded: {
    status: 409,
    purposes: ["create", "export", "query"],
    when: "what went through the membrane takes as much disk space as the operator allows",
  },
  tenant_storage_exceeded: {
    status: 409,
    purposes: CREATING,
    when: "everything of the tenant takes as much disk space as the operator allows",
  },
  service_quota_exceeded: {
    status: 409,
    purposes: ["provision"],
    when: "the service has as many tenants as the operator allows",
  },
  body_too_large: {
    status: 413,
    purposes: [...WITH_BODY, "invoke"],
    when: "a management body over 1 MiB (the operator can set another limit), or a body over the `maxBodyBytes` of the capability's limits",
  },
  signed_body_too_large: {
    status: 413,
    purposes: ["invoke"],
    when: "the body is too large to be held for a signature: send its SHA-256 in `X-Payload-Sha256`",
  },
  expectation_failed: {
    status: 417,
    purposes: CAPABILITIES,
    when: "an `Expect` other than `100-continue`",
  },
  websocket_version_not_supported: {
    status: 426,
    purposes: ["invoke"],
    when: "a WebSocket handshake of another version than 13, which `Sec-WebSocket-Version` names",
  },
  too_many_auth_failures: {
    status: 429,
    retryAfterSeconds: MINUTE,
    purposes: CAPABILITIES,
    when: "too many requests of this client address had no capability that works (`--max-auth-failures-per-minute`); capabilities in use continue to work",
  },
  quota_exhausted: {
    status: 429,
    purposes: [...CREATING, "invoke"],
    when: "the capability, or one that it re-exports, was used as often as [its limits](limits.md) allow for now; `Retry-After` says when the next window begins",
  },
  capability_concurrency_exceeded: {
    status: 429,
    retryAfterSeconds: SECOND,
    purposes: [...WITH_BODY, "invoke"],
    when: "this capability and all that re-exports it have as many invocations in flight as they may (`--max-concurrent-invocations-per-capability`), or hold as much memory ([configuration](configuration.md#what-is-shared))",
  },
  tenant_concurrency_exceeded: {
    status: 429,
    retryAfterSeconds: SECOND,
    purposes: [...CREATING, "invoke"],
    when: "as many are in flight as may run through the membranes of one tenant in its lineage (`--max-concurrent-invocations-per-tenant`), or hold as much memory, or have as many pages of `query` waiting",
  },
  headers_too_large: {
    status: 431,
    purposes: ALL,
    when: "the head is over `--header-bytes`, or would be with what the target adds to it",
  },
  internal_error: {
    status: 500,
    purposes: CAPABILITIES,
    when: "a fault, logged",
  },
  upgrade_not_supported: {
    status: 501,
    purposes: CAPABILITIES,
    when: "`Upgrade` names a protocol other than `websocket`. (`h2c`, and any `Upgrade` in HTTP/1.0, is ignored, RFC 9110 §7.8.) Also: a WebSocket with a service capability, or for a target whose method is not GET",
  },
  target_forbidden: {
    status: 502,
    purposes: ["invoke"],
    when: "the service does not allow connections to the target's address, or without its TLS (`--allow-target`, `--forbid-http-targets`, `--forbid-unverified-targets`)",
  },
  target_unreachable: {
    status: 502,
    purposes: ["invoke"],
    when: "the target has no address, refuses connections, or does not agree on TLS",
  },
  invalid_target_response: {
    status: 502,
    purposes: ["invoke"],
    when: "the target's response is none that could be passed on, or ended early",
  },
  redirect_not_passed: {
    status: 502,
    purposes: ["invoke"],
    when: "the target redirects away from this service, and this client would, or could, send its capability there; with `allowPath`, redirects within the base lead back here",
  },
  target_outdated: {
    status: 502,
    purposes: ["invoke"],
    when: "the target was exported before an upgrade, and its configuration is no longer accepted: export it again",
  },
  service_overloaded: {
    status: 503,
    retryAfterSeconds: SECOND,
    purposes: [...WITH_BODY, "invoke"],
    when: "as many are in flight as the service takes (`--max-concurrent-invocations`), or as much is held to be signed (`--buffered-bytes-total`) or read (`--management-buffered-bytes-total`)",
  },
  revocations_unknown: {
    status: 503,
    retryAfterSeconds: SECOND,
    purposes: ["invoke"],
    when: "the service lost its store before the target responded, and does not know what was revoked: the target may have received the request, and the use may have been counted",
  },
  service_stopping: {
    status: 503,
    retryAfterSeconds: SECOND,
    purposes: ["invoke", "readiness"],
    when: "the service stops. An invocation gets it once `--shutdown-timeout-ms` is over before the target has responded: the target may have received the request, and the use may have been counted. `/readyz` says it at once, on connections that were open before",
  },
  store_unavailable: {
    status: 503,
    retryAfterSeconds: SECOND,
    purposes: [...CAPABILITIES, "readiness"],
    when: "the store did not acknowledge a write in time, or too many waited; nothing was sent to a target; a change may still take effect, and the use may have been counted. Safe to repeat if [uses are not limited](limits.md#how-are-uses-counted)",
  },
  store_full: {
    status: 503,
    retryAfterSeconds: MINUTE,
    purposes: CAPABILITIES,
    when: "the disk of the service is full; nothing was changed or sent. `revoke` and `deleteSelf` have a reserve (`--store-reserve-bytes`), and a tenant's own `query` and invocations whose uses are not counted write nothing: they still work",
  },
  record_too_new: {
    status: 503,
    purposes: CAPABILITIES,
    when: "a newer version of the service wrote a record that the capability depends on; it works again after an upgrade",
  },
  store_failed: {
    status: 503,
    retryAfterSeconds: MINUTE,
    purposes: [...CAPABILITIES, "readiness"],
    when: "the disk of the service failed; nothing was sent to a target; a change may have taken effect, and the use may have been counted. Safe to repeat if [uses are not limited](limits.md#how-are-uses-counted)",
  },
  audit_unavailable: {
    status: 503,
    retryAfterSeconds: MINUTE,
    purposes: [...CREATING, "invoke"],
    when: "the audit trail of the service cannot be written, and its operator lets nothing be done that it does not record (`--audit-required`); nothing was changed or sent. `revoke` and `deleteSelf` still work",
  },
  target_timeout: {
    status: 504,
    purposes: ["invoke"],
    when: "the target did not connect, respond or send in time",
  },
  loop_detected: {
    status: 508,
    purposes: ["invoke"],
    when: "the request has come back here eight times",
  },
};
