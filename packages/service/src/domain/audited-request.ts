import type { Uid } from "./uid.ts";

/** What the audit trail says of a request with a capability. */
export interface AuditedRequest {
  readonly requestId: string;
  readonly capability: Uid;
  /** Everything that the capability depends on, itself included. */
  readonly lineage: Iterable<Uid>;
  /** The tenant through whose membrane it was exported, or on which it acts. */
  readonly tenant?: Uid | undefined;
  /** The membrane through which it was exported, or on which it acts. */
  readonly membrane?: Uid | undefined;
  /** The address of the client; absent if the connection has none. */
  readonly client?: string | undefined;
  readonly method: string;
  /** The client's, checked: 55 characters that name its trace (W3C Trace Context). */
  readonly traceparent?: string | undefined;
}
