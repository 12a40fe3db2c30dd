import { err } from "capability-protocol";
import type { ServiceKind } from "../domain/capability.ts";
import type { Denial, Outcome } from "../domain/denial.ts";
import { invalid } from "../domain/denial.ts";
import type { UsageAccounts } from "../invocation/usage-accounts.ts";
import type { BufferBudget } from "../invocation/buffer-budget.ts";
import { bufferBody } from "../invocation/buffered-body.ts";
import { RequestBody } from "../invocation/request-body.ts";
import type { BodyOptions } from "../invocation/request-body.ts";
import type { RequestHead } from "../invocation/request-head.ts";
import type { ManagementResponse, Caller, ManagementContext } from "../management/context.ts";
import type { EventLoopScheduler } from "../collections/event-loop-scheduler.ts";
import { OPERATIONS } from "../management/operations.ts";
import type { HttpExchange } from "../http1/downstream.ts";
import type { JsonError } from "./json.ts";
import { MAX_COMMAS, parseJson } from "./json.ts";

/** What the endpoint needs: the context of the operations, and the limits on their bodies. */
export interface ManagementEndpointContext extends ManagementContext {
  readonly bodies: BodyOptions;
  /** Memory for management bodies alone; invocations have a separate budget. */
  readonly bufferBudget: BufferBudget;
  /** Parsing a body of a megabyte blocks the event loop for milliseconds, so requests take turns, and wait for revokes. */
  readonly loopTurns: EventLoopScheduler;
  /** Longest body, in bytes. */
  readonly bodyLimit: number;
  /** How deep the objects and arrays of a body may be nested. */
  readonly maxJsonDepth: number;
}

/**
 * Carries out a management request: checks method, path and body, then runs the capability's operation.
 *
 * @returns nothing if the client disconnected before its body was complete.
 */
export async function handleManagement(
  context: ManagementEndpointContext,
  caller: Caller & { readonly accounts: UsageAccounts },
  kind: ServiceKind,
  head: RequestHead,
  { request }: Pick<HttpExchange, "request">,
): Promise<Outcome<ManagementResponse> | undefined> {
  const operation = OPERATIONS[kind];
  if (head.path !== "/") return err({ reason: "path_not_found" });
  if (!operation.methods.includes(head.method)) {
    return err({ reason: "method_not_allowed", allow: operation.methods });
  }
  if (operation.accepts === "nothing") {
    if (head.query !== "") return invalid("query", NO_INPUT);
    if (head.body.kind !== "none") return invalid("body", NO_INPUT);
    return context.loopTurns.urgent(() => operation.run(context, caller, { json: undefined, search: "" }));
  }
  if (operation.accepts === "query")
    return operation.run(context, caller, { json: undefined, search: head.query });

  const { bodyLimit, maxJsonDepth } = context;
  const tooLarge: Denial = { reason: "body_too_large", limit: bodyLimit };
  if (head.body.kind === "length" && head.body.length > bodyLimit) return err(tooLarge);
  const expected = head.body.kind === "length" ? head.body.length : undefined;
  const share = context.bufferBudget.shareFor(caller.accounts);
  const body = await bufferBody(new RequestBody(request, context.bodies), {
    expected,
    limit: bodyLimit,
    tooLarge,
    share,
  });
  if (!body.ok) return body.error.kind === "refused" ? err(body.error.denial) : undefined;
  try {
    const [tenant] = caller.accounts.tenants;
    await context.loopTurns.nextTurn({ tenant: tenant?.uid ?? "", capability: caller.capability.uid });
    const json = parseJson(concatenate(body.value.chunks), maxJsonDepth);
    if (!json.ok) return invalid("body", expectedJson(json.error, maxJsonDepth));
    return await operation.run(context, caller, { json: json.value, search: head.query });
  } finally {
    body.value.release();
  }
}

/** Called only just before a body is parsed, so that one body at a time is in memory twice. */
function concatenate(pieces: readonly Buffer[]): Buffer {
  const [first] = pieces;
  return first !== undefined && pieces.length === 1 ? first : Buffer.concat(pieces);
}

/** An export body sent with a `revoke` capability by mistake must not revoke. */
const NO_INPUT = "none, since this capability accepts no body or query; check that it is the intended one";

function expectedJson(error: JsonError, depth: number): string {
  switch (error.reason) {
    case "syntax":
      return "JSON in UTF-8";
    case "bom":
      return "JSON in UTF-8 without a byte order mark (U+FEFF) at its beginning";
    case "deep":
      return `at most ${depth} levels of nested objects and lists`;
    case "many":
      return `at most ${MAX_COMMAS} commas between members and elements`;
    case "repeated":
      return `each name of an object once; ${error.name} is repeated`;
  }
}
