import type { MembraneOperation } from "capability-protocol";
import type { Uid } from "./uid.ts";

/** What a capability does. */
export type Kind = "provision" | "create" | "query" | "deleteSelf" | "export" | "revoke" | "invoke";

interface KindFacts {
  /** The operation of the service itself; none for requests that go to a target. */
  readonly operation: MembraneOperation | undefined;
  readonly ignoresRevokedResource: boolean;
}

/** What is known of each kind. `management/operations.ts` has what it does. */
const KINDS: Readonly<Record<Kind, KindFacts>> = {
  /** Makes tenants; acts on no record. */
  provision: { operation: "provision", ignoresRevokedResource: false },
  /** Makes membranes of a tenant. */
  create: { operation: "create", ignoresRevokedResource: false },
  /** Lists a tenant's membranes with their capabilities. */
  query: { operation: "query", ignoresRevokedResource: false },
  /** Revokes its tenant. */
  deleteSelf: { operation: "delete-self", ignoresRevokedResource: false },
  /** Makes capabilities through a membrane. */
  export: { operation: "export", ignoresRevokedResource: false },
  /** Works even after its membrane is revoked, so that a client that lost the response can repeat the request. */
  revoke: { operation: "revoke", ignoresRevokedResource: true },
  /** An exported capability: represents a target. */
  invoke: { operation: undefined, ignoresRevokedResource: false },
};

/** The kind of a capability whose requests the service itself carries out. */
export type ServiceKind = Exclude<Kind, "invoke">;

/** An unguessable reference that carries the right to one action. */
export interface Capability {
  readonly type: "capability";
  readonly uid: Uid;
  readonly kind: Kind;
  /** The tenant, membrane or target it acts on. */
  readonly resource?: Uid;
  /** The capability it re-exports. */
  readonly parent?: Uid;
  /** The membrane it went through. */
  readonly membrane?: Uid;
  /** The capability that was used to make it. */
  readonly createdBy?: Uid;
  /** Milliseconds since 1970: it is dead from then on, and all that depends on it. */
  readonly expiresAt?: number;
}

export function isKind(text: string): text is Kind {
  return Object.hasOwn(KINDS, text);
}

/** Whether a capability of this kind works although its own resource is revoked. */
export function ignoresRevokedResource(kind: Kind): boolean {
  return KINDS[kind].ignoresRevokedResource;
}

/** The operation of the service itself that a capability of this kind is for; none if its requests go to a target. */
export function operationOf(kind: Kind): MembraneOperation | undefined {
  return KINDS[kind].operation;
}
