import {
  type Accepted,
  type CreateRequest,
  type ExportAnswer,
  type ExportBody,
  type MembraneAnswer,
  type MembraneOperation,
  type Parsed,
  type QueryAnswer,
  formatQueryRequest,
  parseAccepted,
  parseCreateRequest,
  parseExportAnswer,
  parseExportRequest,
  parseMembraneAnswer,
  parseQueryAnswer,
  parseQueryFields,
  refuse,
} from "capability-protocol";
import { type Callback, settle } from "./callback.ts";
import { invalid, invalidAnswer } from "./error.ts";
import { type Reply, SERVICE_JSON, readReply } from "./reply.ts";

/** One request to a service, in the words of no platform. */
export interface Outgoing {
  /** Capability URI. */
  readonly capability: string;
  readonly method: "GET" | "POST";
  /** The intended operation, sent along so that a capability of another kind is not used by mistake. */
  readonly operation: MembraneOperation;
  /** What stands behind `?`. */
  readonly query?: string;
  /** JSON. */
  readonly body?: string;
}

/** Longest time for the whole of a request and its answer. */
export const ANSWER_MS = 60_000;

/** Which membranes are asked for. */
export interface MembraneQuery {
  /** The one of this id alone. */
  readonly id?: string | undefined;
  /** Those after this id, in the order of the ids' UTF-8 bytes. */
  readonly lastId?: string | undefined;
  /** How many at most: 1 to 1000, default 1. */
  readonly limit?: number | undefined;
}

/** How a platform sends a request and reads the answer to its end. Rejects with a CapabilityError. */
export type Send = (request: Outgoing) => Promise<Reply>;

/**
 * Creates, exports, queries and revokes. Each method takes the capability that carries the right to what it does, refuses
 * bad input before anything is sent, and gives a promise, or takes a callback `(error, response)` as its last argument.
 * Errors are {@link CapabilityError}s.
 */
export class MembraneClient {
  readonly #send: Send;

  constructor(send: Send) {
    this.#send = send;
  }

  /** Makes a membrane with a `create` capability. */
  create(capability: string, membrane: CreateRequest): Promise<MembraneAnswer>;
  create(capability: string, membrane: CreateRequest, callback: Callback<MembraneAnswer>): void;
  create(capability: string, membrane: CreateRequest, callback?: Callback<MembraneAnswer>): unknown {
    return settle(async () => {
      const body = checked(membrane, parseCreateRequest);
      return this.#ask(capability, { operation: "create", method: "POST", body }, parseMembraneAnswer);
    }, callback);
  }

  /** Makes a capability through a membrane, with its `export` capability: for a target, or for a capability held. */
  export(capability: string, config: ExportBody): Promise<ExportAnswer>;
  export(capability: string, config: ExportBody, callback: Callback<ExportAnswer>): void;
  export(capability: string, config: ExportBody, callback?: Callback<ExportAnswer>): unknown {
    return settle(async () => {
      const body = checked(config, parseExportRequest);
      return this.#ask(capability, { operation: "export", method: "POST", body }, parseExportAnswer);
    }, callback);
  }

  /** Lists membranes with a `query` capability, in the order of their ids' UTF-8 bytes. */
  query(capability: string, query?: MembraneQuery | null): Promise<QueryAnswer>;
  query(capability: string, query: MembraneQuery | null | undefined, callback: Callback<QueryAnswer>): void;
  query(capability: string, query?: MembraneQuery | null, callback?: Callback<QueryAnswer>): unknown {
    return settle(async () => {
      const request = parseQueryFields(query);
      if (!request.ok) throw invalid(request.problem);
      return this.#ask(
        capability,
        { operation: "query", method: "GET", query: formatQueryRequest(request.value) },
        parseQueryAnswer,
      );
    }, callback);
  }

  /** Revokes a membrane, and with it all that was exported through it; the same again when repeated. */
  revoke(capability: string): Promise<Accepted>;
  revoke(capability: string, callback: Callback<Accepted>): void;
  revoke(capability: string, callback?: Callback<Accepted>): unknown {
    return settle(
      () => this.#ask(capability, { operation: "revoke", method: "POST" }, parseAccepted),
      callback,
    );
  }

  /** Ends a tenant with all that it has, with its `deleteSelf` capability. */
  deleteSelf(capability: string): Promise<Accepted>;
  deleteSelf(capability: string, callback: Callback<Accepted>): void;
  deleteSelf(capability: string, callback?: Callback<Accepted>): unknown {
    return settle(
      () => this.#ask(capability, { operation: "delete-self", method: "POST" }, parseAccepted),
      callback,
    );
  }

  async #ask<Answer>(
    capability: string,
    request: Omit<Outgoing, "capability">,
    parse: (body: unknown) => Parsed<Answer>,
  ): Promise<Answer> {
    const reply = await this.#send({ capability, ...request });
    const answer = parse(readReply(reply, SERVICE_JSON));
    if (!answer.ok) throw invalidAnswer(reply.status, answer.problem);
    return answer.value;
  }
}

/** The JSON that goes out; the rules of the service are asked of exactly that. */
function checked(value: unknown, parse: (body: unknown) => Parsed<unknown>): string {
  const body = toJson(value);
  if (body === undefined) throw invalid(refuse("body", "a JSON object").problem);
  const parsed = parse(JSON.parse(body));
  if (!parsed.ok) throw invalid(parsed.problem);
  return body;
}

/** JSON has no text for a function or a cycle. */
function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
