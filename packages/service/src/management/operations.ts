import {
  parseCreateRequest,
  parseExportRequest,
  parseProvisionRequest,
  parseQueryRequest,
} from "capability-protocol";
import type { Parsed } from "capability-protocol";
import type { ServiceKind } from "../domain/capability.ts";
import type { Outcome } from "../domain/denial.ts";
import { deny } from "../domain/denial.ts";
import type { Answer, Caller, ManagementContext } from "./context.ts";
import { create } from "./create.ts";
import { exportCapability } from "./export.ts";
import { provision } from "./provision.ts";
import { query } from "./query.ts";
import { revoke } from "./revoke.ts";

/** What a management request says, besides its token and method. */
export interface ManagementInput {
  /** What the body parses to as JSON. */
  readonly json: unknown;
  /** The query string, without "?". */
  readonly search: string;
}

/** What the service itself does for a kind of capability. */
export interface Operation {
  readonly methods: readonly string[];
  /** What a request carries. Where it is nothing, anything shows that the requester meant another capability. */
  readonly takes: "body" | "query" | "nothing";
  run(context: ManagementContext, caller: Caller, input: ManagementInput): Promise<Outcome<Answer>>;
}

const REVOKING = { methods: ["GET", "POST", "DELETE"], takes: "nothing", run: revoke } satisfies Operation;

/** Every kind of service capability, with its methods and what it does. */
export const OPERATIONS: Readonly<Record<ServiceKind, Operation>> = {
  provision: posting(parseProvisionRequest, provision),
  create: posting(parseCreateRequest, create),
  query: {
    methods: ["GET"],
    takes: "query",
    run: (context, caller, { search }) =>
      parsed(parseQueryRequest(search), (asked) => query(context, caller, asked)),
  },
  deleteSelf: REVOKING,
  export: posting(parseExportRequest, exportCapability),
  revoke: REVOKING,
};

function posting<T>(
  parse: (json: unknown) => Parsed<T>,
  act: (context: ManagementContext, caller: Caller, request: T, wire: Buffer) => Promise<Outcome<Answer>>,
): Operation {
  return {
    methods: ["POST"],
    takes: "body",
    run: (context, caller, { json }) =>
      parsed(parse(json), (request) => act(context, caller, request, withoutPadding(json))),
  };
}

/** What is kept of a body is no longer than its fields are: not a megabyte of blanks around them. */
function withoutPadding(json: unknown): Buffer {
  return Buffer.from(JSON.stringify(json));
}

async function parsed<T>(
  result: Parsed<T>,
  act: (value: T) => Promise<Outcome<Answer>>,
): Promise<Outcome<Answer>> {
  return result.ok ? act(result.value) : deny({ reason: "invalid_field", problem: result.problem });
}
