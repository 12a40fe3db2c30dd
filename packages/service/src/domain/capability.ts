import type { Uid } from "./uid.ts";

/** What a capability does. */
export type Kind = "provision" | "create" | "query" | "deleteSelf" | "export" | "revoke" | "invoke";

/** How a kind affects whether a capability is alive. `management/operations.ts` has what it does. */
const KINDS: Readonly<Record<Kind, { readonly ignoresRevokedResource: boolean }>> = {
  /** Makes tenants; acts on no record. */
  provision: { ignoresRevokedResource: false },
  /** Makes membranes of a tenant. */
  create: { ignoresRevokedResource: false },
  /** Lists a tenant's membranes with their capabilities. */
  query: { ignoresRevokedResource: false },
  /** Revokes its tenant. */
  deleteSelf: { ignoresRevokedResource: false },
  /** Makes capabilities through a membrane. */
  export: { ignoresRevokedResource: false },
  /** Works even after its membrane is revoked, so that a client that lost the response can repeat the request. */
  revoke: { ignoresRevokedResource: true },
  /** An exported capability: represents a target. */
  invoke: { ignoresRevokedResource: false },
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
