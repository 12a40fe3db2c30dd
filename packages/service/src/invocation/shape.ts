import { TOKEN_PATTERN, err, ok, printableName, trimFieldValue } from "capability-protocol";
import type { Outcome } from "../domain/denial.ts";
import { keptPart } from "./aws-chunked/kept-part.ts";
import { reframeHeaders } from "./aws-chunked/reframed-headers.ts";
import type { AuthorizedUri } from "./authorize.ts";
import type { ClientHeader } from "./header-rules.ts";
import { clientHeader, connectionOptions, isForMembraneService } from "./header-rules.ts";
import { joinPath } from "./openings/path-opening.ts";
import type { AcceptedPlan } from "./sign.ts";
import type { RequestHead } from "./request-head.ts";
import type { PreparedTarget } from "./prepared-target.ts";
import { withoutCredentials } from "./websocket/credential-protocols.ts";

/** The upstream request, its body aside. */
export interface ShapedRequest {
  readonly method: string;
  readonly path: string;
  /** Without "?"; empty if there is none. */
  readonly query: string;
  /** Flat list, sent first. Apart from the client's, since limits narrow those alone. */
  readonly targetHeaders: readonly string[];
  /** Flat list: the client's end-to-end headers, then the length of the body if it is known. */
  readonly clientHeaders: readonly string[];
  /** Flat list, sent last: no signature covers them, since the next hop changes them. */
  readonly hopHeaders: readonly string[];
  /** How the signature covers the body. */
  readonly plan: AcceptedPlan;
}

/**
 * Puts the target over what the client sent, name by name, whatever the case.
 *
 * @param uri what of the client's path and query passes.
 * @param plan how the signature covers the body.
 * @param hopHeaders are added last.
 * @returns a refusal if a header of the client would change the request's meaning.
 */
export function shape(
  target: PreparedTarget,
  head: RequestHead,
  uri: AuthorizedUri,
  plan: AcceptedPlan,
  hopHeaders: readonly string[],
): Outcome<ShapedRequest> {
  const connection = connectionOptions(head.rawHeaders);
  const passing: string[] = [];
  const { rawHeaders } = head;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    const value = rawHeaders[i + 1] ?? "";
    const header = clientHeader(name);
    const decision = decideHeader(target, plan, header, value);
    if (decision === "refuse") return err({ reason: "header_not_allowed", name: printableName(name) });
    if (decision !== "pass" || connection.has(header.lowerCase)) continue;
    const passingValue = header.isCarrier ? carrierValue(target, header, value) : value;
    if (passingValue !== undefined) passing.push(name, passingValue);
  }
  let targetHeaders = target.headers;
  let clientHeaders: readonly string[] = passing;
  if (plan.awsChunked !== undefined) {
    const reframed = reframeHeaders(target, passing, plan.awsChunked, keptPart(plan), head.body);
    if (!reframed.ok) return reframed;
    ({ targetHeaders, clientHeaders } = reframed.value);
  } else if (head.body.kind === "length") {
    // An end-to-end header that may be signed: set here, and never copied.
    passing.push("Content-Length", String(head.body.length));
  }
  return ok({
    method: target.method ?? head.method,
    path: joinPath(target, uri.path),
    query: joinQueries(target, uri),
    targetHeaders,
    clientHeaders,
    hopHeaders,
    plan,
  });
}

function joinQueries(target: PreparedTarget, { query }: AuthorizedUri): string {
  if (query === "") return target.query;
  return target.query === "" ? query : `${target.query}&${query}`;
}

type HeaderDecision = "pass" | "drop" | "refuse";

/** Decides about one header line of the client. */
function decideHeader(
  target: PreparedTarget,
  plan: AcceptedPlan,
  header: ClientHeader,
  value: string,
): HeaderDecision {
  const { lowerCase, folded, rule } = header;
  const isOpened = target.openedHeaders?.has(lowerCase) === true;
  if (rule === "never" && !isOpened) return decideNeverForwarded(target, lowerCase, value);
  const own = target.overrideHeaders.get(folded);
  if (own !== undefined && own !== value && own !== trimFieldValue(value)) return "refuse";
  if (target.headerNames.has(folded)) return "drop";
  if (header.isCredential && TOKEN_PATTERN.test(value)) return "drop";
  if (isOpened) return "pass";
  if (header.isCredential && isDroppedCredential(target, header)) return "drop";
  if (rule === "override" && target.refusesOverrides) return "refuse";
  return target.signer === undefined ? "pass" : decideForSigner(target.signer, plan, lowerCase, value);
}

/**
 * What of a header in which a token can come may pass: in addition to the target's credential, none of the client's subprotocols that
 * holds one.
 */
function carrierValue(target: PreparedTarget, header: ClientHeader, value: string): string | undefined {
  const isList = header.folded === "sec-websocket-protocol";
  return isList && target.carriesCredential ? withoutCredentials(value) : value;
}

/** Whether the target does not get a client's own credential, since the client means it for this service or the target has one. */
function isDroppedCredential({ droppedCredentials }: PreparedTarget, { isCarrier }: ClientHeader): boolean {
  return droppedCredentials === "all" || (droppedCredentials === "carriers" && isCarrier);
}

/** What no target gets is dropped, unless the target's signer says that the target would act on it: `X-Amzn-Oidc-Data`. */
function decideNeverForwarded(target: PreparedTarget, lowerCase: string, value: string): HeaderDecision {
  if (target.isMembraneService && isForMembraneService(lowerCase)) return "pass";
  return target.signer?.headerRule(lowerCase, value) === "refuse" ? "refuse" : "drop";
}

function decideForSigner(
  signer: NonNullable<PreparedTarget["signer"]>,
  plan: AcceptedPlan,
  lowerCase: string,
  value: string,
): HeaderDecision {
  const rule = signer.headerRule(lowerCase, value);
  if (rule !== "framing") return rule ?? "pass";
  return keptPart(plan) === "chunks" ? "pass" : "drop";
}
