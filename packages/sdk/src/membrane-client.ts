import {
  type AcceptedResponse,
  type CreateRequest,
  type ExportResponse,
  type ExportBody,
  type MembraneResponse,
  type QueryResponse,
  formatQueryRequest,
  parseAcceptedResponse,
  parseCreateRequest,
  parseExportResponse,
  parseExportRequest,
  parseMembraneResponse,
  parseQueryResponse,
  parseQueryFields,
} from "capability-protocol";
import type { MembraneOperation } from "capability-protocol";
import { type Parsed, refuse } from "capability-protocol/result";
import { type Callback, callbackify } from "./callbackify.ts";
import { invalidField, invalidResponse } from "./error.ts";
import { type BufferedResponse, SERVICE_JSON, readJsonBody } from "./buffered-response.ts";

/** A request to a service, independent of the platform. */
export interface ServiceRequest {
  /** Capability URI. */
  readonly capability: string;
  readonly method: "GET" | "POST";
  /** The intended operation, which is sent so that a capability of another kind is not used by mistake. */
  readonly operation: MembraneOperation;
  /** The query without its `?`. */
  readonly query?: string;
  /** JSON text. */
  readonly body?: string;
}

/** Milliseconds after which a request without a complete response fails. */
export const REQUEST_TIMEOUT_MS = 60_000;

/**
 * Which membranes are listed.
 *
 * @example
 * const query: MembraneQuery = { limit: 1000 };
 * const { completed } = await new Membrane().query(QUERY_URI, query);
 * completed; // => true
 */
export interface MembraneQuery {
  /** Only the membrane with this id. */
  readonly id?: string | undefined;
  /** Only membranes after this id, in the order of the ids' UTF-8 bytes. */
  readonly lastId?: string | undefined;
  /** The most membranes to list: 1 to 1000, default 1. */
  readonly limit?: number | undefined;
}

/** Sends a request and reads the whole response. Rejects with a CapabilityError. */
export type ServiceTransport = (request: ServiceRequest) => Promise<BufferedResponse>;

/**
 * Creates, exports, queries and revokes. Each method takes the capability for its operation, refuses invalid input before
 * anything is sent, and returns a promise, or takes a callback `(error, response)` as its last argument. Errors are
 * {@link CapabilityError}s.
 */
export class MembraneClient {
  readonly #send: ServiceTransport;

  constructor(send: ServiceTransport) {
    this.#send = send;
  }

  /** Creates a membrane with a `create` capability. */
  create(capability: string, membrane: CreateRequest): Promise<MembraneResponse>;
  create(capability: string, membrane: CreateRequest, callback: Callback<MembraneResponse>): void;
  create(capability: string, membrane: CreateRequest, callback?: Callback<MembraneResponse>): unknown {
    return callbackify(async () => {
      const body = serializeChecked(membrane, parseCreateRequest);
      return this.#call(capability, { operation: "create", method: "POST", body }, parseMembraneResponse);
    }, callback);
  }

  /** Makes a capability through a membrane with its `export` capability, for a target or for a capability that is re-exported. */
  export(capability: string, config: ExportBody): Promise<ExportResponse>;
  export(capability: string, config: ExportBody, callback: Callback<ExportResponse>): void;
  export(capability: string, config: ExportBody, callback?: Callback<ExportResponse>): unknown {
    return callbackify(async () => {
      const body = serializeChecked(config, parseExportRequest);
      return this.#call(capability, { operation: "export", method: "POST", body }, parseExportResponse);
    }, callback);
  }

  /** Lists membranes with a `query` capability, in the order of their ids' UTF-8 bytes. */
  query(capability: string, query?: MembraneQuery | null): Promise<QueryResponse>;
  query(capability: string, query: MembraneQuery | null | undefined, callback: Callback<QueryResponse>): void;
  query(capability: string, query?: MembraneQuery | null, callback?: Callback<QueryResponse>): unknown {
    return callbackify(async () => {
      const request = parseQueryFields(query);
      if (!request.ok) throw invalidField(request.error);
      return this.#call(
        capability,
        { operation: "query", method: "GET", query: formatQueryRequest(request.value) },
        parseQueryResponse,
      );
    }, callback);
  }

  /** Revokes a membrane and everything that was exported through it. It can be repeated. */
  revoke(capability: string): Promise<AcceptedResponse>;
  revoke(capability: string, callback: Callback<AcceptedResponse>): void;
  revoke(capability: string, callback?: Callback<AcceptedResponse>): unknown {
    return callbackify(
      () => this.#call(capability, { operation: "revoke", method: "POST" }, parseAcceptedResponse),
      callback,
    );
  }

  /** Deletes a tenant and everything that it owns, with its `deleteSelf` capability. */
  deleteSelf(capability: string): Promise<AcceptedResponse>;
  deleteSelf(capability: string, callback: Callback<AcceptedResponse>): void;
  deleteSelf(capability: string, callback?: Callback<AcceptedResponse>): unknown {
    return callbackify(
      () => this.#call(capability, { operation: "delete-self", method: "POST" }, parseAcceptedResponse),
      callback,
    );
  }

  async #call<Body>(
    capability: string,
    request: Omit<ServiceRequest, "capability">,
    parse: (body: unknown) => Parsed<Body>,
  ): Promise<Body> {
    const response = await this.#send({ capability, ...request });
    const parsed = parse(readJsonBody(response, SERVICE_JSON));
    if (!parsed.ok) throw invalidResponse(response.status, parsed.error);
    return parsed.value;
  }
}

/** Returns the JSON to send. Exactly this text is checked by the rules of the service. */
function serializeChecked(value: unknown, parse: (body: unknown) => Parsed<unknown>): string {
  const body = toJson(value);
  if (body === undefined) throw invalidField(refuse("body", "a JSON object").error);
  const parsed = parse(JSON.parse(body));
  if (!parsed.ok) throw invalidField(parsed.error);
  return body;
}

/** Returns nothing for a function or a cycle, which have no JSON. */
function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
