import {
  parseCreateRequest,
  parseExportRequest,
  parseProvisionRequest,
  parseQueryRequest,
} from "capability-protocol";
import type { Parsed } from "capability-protocol";
import { err } from "capability-protocol";
import type { ServiceKind } from "../domain/capability.ts";
import type { Outcome } from "../domain/denial.ts";
import type { ManagementResponse, Caller, ManagementContext } from "./context.ts";
import { create } from "./create.ts";
import { exportCapability } from "./export.ts";
import { provision } from "./provision.ts";
import { query } from "./query.ts";
import { revoke } from "./revoke.ts";

/** The input of a management request, besides its token and method. */
export interface ManagementInput {
  /** What the body parses to as JSON. */
  readonly json: unknown;
  /** The query string, without "?". */
  readonly search: string;
}

/** An operation of the service itself, for a kind of capability. */
export interface Operation {
  readonly methods: readonly string[];
  /** What a request may carry. With `nothing`, a body or a query shows that the client meant another capability. */
  readonly accepts: "body" | "query" | "nothing";
  run(
    context: ManagementContext,
    caller: Caller,
    input: ManagementInput,
  ): Promise<Outcome<ManagementResponse>>;
}

const REVOKE_OPERATION = {
  methods: ["GET", "POST", "DELETE"],
  accepts: "nothing",
  run: revoke,
} satisfies Operation;

/** The operation of each kind of service capability. */
export const OPERATIONS: Readonly<Record<ServiceKind, Operation>> = {
  provision: postOperation(parseProvisionRequest, provision),
  create: postOperation(parseCreateRequest, create),
  query: {
    methods: ["GET"],
    accepts: "query",
    run: (context, caller, { search }) =>
      parsed(parseQueryRequest(search), (asked) => query(context, caller, asked)),
  },
  deleteSelf: REVOKE_OPERATION,
  export: postOperation(parseExportRequest, exportCapability),
  revoke: REVOKE_OPERATION,
};

function postOperation<T>(
  parse: (json: unknown) => Parsed<T>,
  act: (context: ManagementContext, caller: Caller, request: T) => Promise<Outcome<ManagementResponse>>,
): Operation {
  return {
    methods: ["POST"],
    accepts: "body",
    run: (context, caller, { json }) => parsed(parse(json), (request) => act(context, caller, request)),
  };
}

async function parsed<T>(
  result: Parsed<T>,
  act: (value: T) => Promise<Outcome<ManagementResponse>>,
): Promise<Outcome<ManagementResponse>> {
  return result.ok ? act(result.value) : err({ reason: "invalid_field", problem: result.error });
}
