/**
 * What a capability's holder may do at most. Limits only narrow: an invocation must satisfy those of the capability and of every
 * capability that it re-exports. Absent: no limit.
 *
 * @example
 * const limits: Limits = { methods: ["GET"], paths: ["/repos/**"], maxUses: 100, maxUsesEveryMs: 60_000 };
 * limits.delegable; // => undefined
 */
export interface Limits {
  /** Milliseconds since 1970. The capability is dead from then on. */
  readonly expiresAt?: number;
  /** Milliseconds since 1970. Before that it is not valid yet, and may be re-exported. */
  readonly notBefore?: number;
  /** How many requests are admitted: in all, or in each window of {@link maxUsesEveryMs}. */
  readonly maxUses?: number;
  /** Length of a window, in milliseconds. Windows begin when the capability is made. */
  readonly maxUsesEveryMs?: number;
  /** Exact names; GET does not include HEAD. */
  readonly methods?: readonly string[];
  /** Patterns of canonical paths, relative to the target's path. */
  readonly paths?: readonly string[];
  /** The only keys of the query that are admitted, compared decoded; another one is a 403. */
  readonly query?: QueryLimit;
  /** The only headers of the client that reach the target; others are dropped, except those that describe the request. */
  readonly headers?: HeaderLimit;
  /** A request must satisfy at least one. */
  readonly requests?: readonly RequestLimit[];
  /**
   * Longest body in bytes; of an `aws-chunked` one its decoded content counts, of a WebSocket what the client sends after the
   * handshake. A longer one is a 413, or aborts both sides once its bytes pass.
   */
  readonly maxBodyBytes?: number;
  /** Addresses of clients, in CIDR notation. */
  readonly clientCidrs?: readonly string[];
  /** `false`: it cannot be re-exported by this service. */
  readonly delegable?: false;
}

/**
 * One alternative of `requests`.
 *
 * @example
 * const request: RequestLimit = { methods: ["GET", "HEAD"], paths: ["/bucket/p/**"] };
 * request.query; // => undefined
 */
export type RequestLimit = Pick<Limits, "methods" | "paths" | "query" | "headers">;

/**
 * Only these keys of a query.
 *
 * @example
 * const query: QueryLimit = new Map([["prefix", [{ startsWith: "p/" }]]]);
 * query.get("delimiter"); // => undefined
 */
export type QueryLimit = ReadonlyMap<string, AllowedValues<ListedValue>>;

/**
 * Only these of the client's headers, by lower-case name.
 *
 * @example
 * const headers: HeaderLimit = new Map([["mcp-name", ["search"]]]);
 * headers.has("mcp-name"); // => true
 */
export type HeaderLimit = ReadonlyMap<string, AllowedValues<string>>;

/**
 * Any value, or exactly one that is listed; a list makes the key or header required.
 *
 * @example
 * const values: AllowedValues<string> = ["search", "fetch"];
 * values.includes("delete"); // => false
 */
export type AllowedValues<T> = "any" | readonly T[];

/**
 * A value, or the beginning of one.
 *
 * @example
 * const values: ListedValue[] = ["2", { startsWith: "p/" }];
 * values.length; // => 2
 */
export type ListedValue = string | { readonly startsWith: string };
