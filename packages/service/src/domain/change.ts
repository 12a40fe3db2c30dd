import type { AuditedRequest } from "./audited-request.ts";
import type { Capability } from "./capability.ts";
import type { Membrane } from "./membrane.ts";
import type { Target } from "./target.ts";
import type { Tenant } from "./tenant.ts";
import type { Uid } from "./uid.ts";

/** Who makes a change: a request with a capability, or a command of the operator. */
export type Actor =
  | {
      readonly kind: "capability";
      readonly capability: Uid;
      readonly requestId: string;
      /** The trace that the request belongs to; absent if it belongs to none. */
      readonly traceId?: string | undefined;
      /** What the audit trail says of the request; absent without one. */
      readonly request?: AuditedRequest | undefined;
    }
  | { readonly kind: "operator"; readonly command: string };

/** What a create, revoke or rekey concerns. */
export interface ChangeSubject {
  readonly tenant?: Uid;
  readonly membrane?: Uid;
  /** The capabilities that are created. */
  readonly capabilities: readonly Uid[];
}

/** A create, revoke or rekey, as it is recorded. */
export interface RecordedChange extends ChangeSubject {
  readonly action: "create" | "revoke" | "rekey";
  readonly actor: Actor;
  /** `unknown`: the store failed to acknowledge it, and it may have taken effect. */
  readonly outcome: "done" | "unknown";
}

/** Finds the tenant and membrane that records belong to, and the capabilities among them. */
export function subjectOfRecords(
  records: readonly (Tenant | Membrane | Target | Capability)[],
): ChangeSubject {
  let tenant: Uid | undefined;
  let membrane: Uid | undefined;
  const capabilities: Uid[] = [];
  for (const record of records) {
    switch (record.type) {
      case "tenant":
        tenant = record.uid;
        break;
      case "membrane":
        ({ uid: membrane, tenant } = record);
        break;
      case "target":
        ({ membrane } = record);
        break;
      case "capability":
        capabilities.push(record.uid);
        membrane ??= record.membrane;
        break;
    }
  }
  return {
    ...(tenant === undefined ? {} : { tenant }),
    ...(membrane === undefined ? {} : { membrane }),
    capabilities,
  };
}
