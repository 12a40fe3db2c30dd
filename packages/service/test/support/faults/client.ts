import { performance } from "node:perf_hooks";
import { Agent } from "undici";
import type { CallOptions, CallResponse } from "../../../../testkit/src/client.ts";
import { call } from "../../../../testkit/src/client.ts";
import type { ServingNode } from "./cluster-node.ts";
import type { Operation, OperationKind, Outcome } from "./history.ts";
import type { Recorder } from "./recorder.ts";

/** What is asked for, and of which node. */
export interface Asked extends Pick<Operation, "kind" | "resource" | "through"> {
  readonly node: ServingNode;
  readonly token: string;
  readonly options?: CallOptions;
  readonly isFinal?: boolean;
}

/** What a request had as its result. */
export type Reply =
  | { readonly outcome: "done"; readonly response: CallResponse }
  | { readonly outcome: Exclude<Outcome, "done"> };

/** Sends requests, and records each with its result. */
export interface Client extends AsyncDisposable {
  readonly dispatcher: Agent;
  ask(asked: Asked): Promise<Reply>;
}

/** A process that is stopped may take longer than any fault lasts, but not as long. */
const RESPONSE_TIMEOUT_MS = 60_000;

export function createClient(recorder: Recorder): Client {
  const dispatcher = new Agent({ connections: 256, headersTimeout: RESPONSE_TIMEOUT_MS });
  return {
    dispatcher,
    async ask({ kind, resource, through, node, token, options = {}, isFinal = false }) {
      const began = performance.now();
      const [reply, detail] = await call(node.service, token, { ...options, dispatcher }).then(
        (response) => [replyOf(kind, response), `${response.status} ${response.json?.code ?? ""}`] as const,
        (error: unknown) => [{ outcome: "unknown" }, explain(error)] as const,
      );
      recorder.record({
        kind,
        resource,
        through,
        node: node.number,
        began,
        ended: performance.now(),
        outcome: reply.outcome,
        detail,
        isFinal,
      });
      return reply;
    },
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  };
}

/** The status that says that a request of a kind is done. A probe sends what a capability that works does not accept. */
const DONE: Readonly<Record<OperationKind, number>> = {
  create: 201,
  query: 200,
  export: 201,
  probe: 400,
  invoke: 200,
  use: 200,
  revoke: 202,
};

/** Before a request was sent to its target, and after. */
const UNAVAILABLE: ReadonlySet<unknown> = new Set(["store_unavailable", "revocations_unknown"]);

function replyOf(kind: OperationKind, response: CallResponse): Reply {
  const { status, json } = response;
  if (status === 503 && UNAVAILABLE.has(json?.code)) return { outcome: "unavailable" };
  // The capability that is presented, and the one in the body of a re-export.
  if (status === 401 || (kind === "export" && json?.code === "invalid_capability"))
    return { outcome: "refused" };
  if (status !== DONE[kind]) return { outcome: "unexpected" };
  return kind === "query" && json.membranes.length === 0
    ? { outcome: "refused" }
    : { outcome: "done", response };
}

function explain(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
