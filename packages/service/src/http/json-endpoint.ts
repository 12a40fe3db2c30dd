import { afterwards } from "../domain/awaitable.ts";
import type { ServiceKind } from "../domain/capability.ts";
import type { Outcome } from "../domain/denial.ts";
import { deny, invalid } from "../domain/denial.ts";
import type { BodyOptions } from "../invocation/request-body.ts";
import { holdBody } from "../invocation/request-body.ts";
import type { RequestHead } from "../invocation/request-head.ts";
import type { Answer, Caller, ManagementContext } from "../management/context.ts";
import type { ManagementInput } from "../management/operations.ts";
import { OPERATIONS } from "../management/operations.ts";
import type { Exchanged } from "./answer.ts";

/** Longest management body, in bytes. */
const MANAGEMENT_BODY_LIMIT = 1024 * 1024;

/** All that the endpoint is handed: what the operations need, and how their bodies are read. */
export interface JsonEndpointContext extends ManagementContext {
  readonly bodies: BodyOptions;
}

/**
 * What the service itself does for a capability: method, path, body, then the operation.
 *
 * @returns nothing if the requester left before its body was whole.
 */
export async function manage(
  context: JsonEndpointContext,
  caller: Caller,
  kind: ServiceKind,
  head: RequestHead,
  { request }: Pick<Exchanged, "request">,
): Promise<Outcome<Answer> | undefined> {
  const operation = OPERATIONS[kind];
  if (head.path !== "/") return deny({ reason: "path_not_allowed" });
  if (!operation.methods.includes(head.method)) {
    return deny({ reason: "method_not_allowed", allow: operation.methods });
  }
  if (operation.takes === "nothing") {
    if (head.query !== "") return invalid("query", NOTHING);
    if (head.body.kind !== "none") return invalid("body", NOTHING);
  }
  if (operation.takes !== "body") return operation.run(context, caller, { ...NO_BODY, search: head.query });

  const tooLarge = deny({ reason: "body_too_large", limit: MANAGEMENT_BODY_LIMIT });
  if (head.body.kind === "length" && head.body.length > MANAGEMENT_BODY_LIMIT) return tooLarge;
  const body = await holdBody(request, MANAGEMENT_BODY_LIMIT, context.bodies);
  if (body === "requester_left") return undefined;
  if (body === "requester_silent") return deny({ reason: "request_timeout" });
  if (body === "too_many_held") return deny({ reason: "service_busy" });
  if (body === "too_long") return tooLarge;
  return afterwards(
    () => {
      const raw = body.bytes;
      const json = parseJson(raw);
      if (!json.ok) return invalid("body", "JSON in UTF-8");
      return operation.run(context, caller, { raw, json: json.value, search: head.query });
    },
    () => body.release(),
  );
}

/** An export body sent with a `revoke` capability by mistake must not revoke. */
const NOTHING = "none: no such field; this capability takes nothing, is it the right one?";

const NO_BODY: Pick<ManagementInput, "raw" | "json"> = { raw: Buffer.alloc(0), json: undefined };

/** Without dropping a byte order mark: what is sealed are the bytes as they came, and they must parse again later. */
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Whatever the Content-Type says: `curl -d` calls its JSON a form. */
function parseJson(raw: Buffer): { readonly ok: true; readonly value: unknown } | { readonly ok: false } {
  try {
    return { ok: true, value: JSON.parse(UTF8.decode(raw)) };
  } catch {
    return { ok: false };
  }
}
