import type { ExportRequest, Problem, TargetConfiguration, TargetOrigin } from "capability-protocol";
import { checkServiceCapabilityLimits, err, ok, originOfAuthority } from "capability-protocol";
import type { Capability, Kind } from "../domain/capability.ts";
import { operationOf } from "../domain/capability.ts";
import type { Outcome } from "../domain/denial.ts";
import { denialOfCreation } from "../domain/creation-denial.ts";
import { invalid, PASSED } from "../domain/denial.ts";
import type { ExportTerms } from "../domain/limits.ts";
import { isDelegable } from "../domain/limits.ts";
import type { Target, TargetContent } from "../domain/target.ts";
import { contentOf } from "../domain/target.ts";
import type { StoredTarget } from "../store/record.ts";
import { KEY_BYTES } from "../store/seal.ts";
import { sealTarget } from "../store/target-seal.ts";
import type { OpenedCapability, Rights } from "../store/vault.ts";
import type { ManagementResponse, Caller, ManagementContext } from "./context.ts";
import { actorOf } from "./context.ts";
import { formatUri } from "./capability-uri.ts";
import { checkHeadSize } from "./head-size-check.ts";
import { checkSealedSize, formatEnd, exportTermsOf } from "./export-terms.ts";
import { resourceOf } from "./resource.ts";
import { checkTls, hasPem } from "./tls-check.ts";

/** Makes a capability through a membrane: for a target, or from another capability. */
export async function exportCapability(
  context: ManagementContext,
  caller: Caller,
  request: ExportRequest,
): Promise<Outcome<ManagementResponse>> {
  const terms = exportTermsOf(request, context.now().getTime());
  if (!terms.ok) return terms;
  if (request.kind === "target") {
    const checked = await checkTarget(context, caller, request.target);
    return checked.ok ? exportTarget(context, caller, contentOf(request), terms.value) : checked;
  }
  const { authority, token } = request.capability;
  if (!context.isOwn(authority)) {
    const checked = checkHost(context, "capability", originOfAuthority(authority));
    return checked.ok ? exportTarget(context, caller, contentOf(request), terms.value) : checked;
  }
  const parent = await context.vault.open(token);
  if (parent === undefined) return err({ reason: "invalid_capability" });
  if (!isDelegable(parent.limits)) return err({ reason: "not_delegable" });
  const problem = findServiceLimit(parent.capability.kind, request);
  if (problem !== undefined) return err({ reason: "invalid_field", problem });
  return reexport(context, caller, parent, terms.value);
}

/** Finds a limit that is only for requests to targets. */
function findServiceLimit(kind: Kind, { limits }: ExportRequest): Problem | undefined {
  const operation = operationOf(kind);
  return limits === undefined || operation === undefined
    ? undefined
    : checkServiceCapabilityLimits(limits, operation);
}

function exportTarget(
  context: ManagementContext,
  caller: Caller,
  content: TargetContent,
  terms: ExportTerms,
): Promise<Outcome<ManagementResponse>> {
  const { vault, random } = context;
  const target: Target = {
    type: "target",
    uid: vault.newUid(resourceOf(caller)),
    membrane: resourceOf(caller),
    createdBy: caller.capability.uid,
  };
  const dataKey = random(KEY_BYTES);
  const rights = { kind: "invoke", resource: target.uid, ...provenance(caller) } as const;
  const stored = sealTarget(target, content, dataKey);
  return createCapability(context, caller, { rights, payload: dataKey, terms, target: stored });
}

/** Seals the parent's payload under a new token, so that the depth of a delegation costs nothing later. */
function reexport(
  context: ManagementContext,
  caller: Caller,
  parent: OpenedCapability,
  terms: ExportTerms,
): Promise<Outcome<ManagementResponse>> {
  const { kind, resource, uid } = parent.capability;
  const rights = {
    kind,
    parent: uid,
    ...provenance(caller),
    ...(resource === undefined ? {} : { resource }),
  };
  return createCapability(context, caller, {
    rights,
    payload: parent.payload,
    terms: { ...terms, inherited: parent.limits },
  });
}

interface NewCapability {
  readonly rights: Rights;
  readonly payload: Uint8Array;
  readonly terms: ExportTerms;
  /** The target that it is made for; absent for a re-export. */
  readonly target?: StoredTarget;
}

async function createCapability(
  { changes, vault, store, authority }: ManagementContext,
  caller: Caller,
  { rights, payload, terms, target }: NewCapability,
): Promise<Outcome<ManagementResponse>> {
  const { token, record, newCounters } = vault.mint(rights, payload, terms);
  const checked = checkSealedSize(terms, record);
  if (!checked.ok) return checked;
  const records = target === undefined ? [record] : [target, record];
  const { useCounters } = caller;
  const created = await changes.create(actorOf(caller), records, { newCounters, useCounters });
  if (created.ok)
    return ok({ status: 201, body: { capability: formatUri(authority, token), ...formatEnd(terms) } });
  // What is dead may be the parent of a re-export, and not the caller's own capability.
  const isParentDead =
    created.error.reason === "lineage_dead" &&
    rights.parent !== undefined &&
    (await store.isAlive(caller.capability.uid));
  return err(isParentDead ? { reason: "invalid_capability" } : denialOfCreation(created.error));
}

/** Returns the membrane and the creator of everything that an `export` capability makes. */
function provenance(caller: Caller): Pick<Capability, "membrane" | "createdBy"> {
  return { membrane: resourceOf(caller), createdBy: caller.capability.uid };
}

async function checkTarget(
  context: ManagementContext,
  caller: Caller,
  target: TargetConfiguration,
): Promise<Outcome<undefined>> {
  const size = checkHeadSize(target, context.headerBytes);
  if (!size.ok) return size;
  const host = checkHost(context, "uri", target.uri.origin);
  if (!host.ok) return host;
  const transport = checkTransport(context, target);
  if (!transport.ok || !hasPem(target)) return transport;
  // 64 KiB of certificates take the event loop 10 ms and more.
  return context.scheduleFairly(resourceOf(caller), () => checkTls(target));
}

/** Refuses at the export what every connection would refuse. What a name resolves to is checked at each connection. */
function checkHost({ policy }: ManagementContext, field: string, origin: TargetOrigin): Outcome<undefined> {
  return policy.checkHost(origin).ok
    ? PASSED
    : invalid(
        field,
        "an address that this service may connect to: a public one, or one that its flag --allow-target allows",
      );
}

/** Refuses at the export what every connection would refuse. */
function checkTransport(
  { policy }: ManagementContext,
  { uri, tls }: TargetConfiguration,
): Outcome<undefined> {
  if (policy.checkTransport(uri.origin, tls).ok) return PASSED;
  return uri.origin.scheme === "https"
    ? invalid(
        "tls.rejectUnauthorized",
        "true: this service checks every target (--forbid-unverified-targets)",
      )
    : invalid("uri", "https: this service speaks to no target without TLS (--forbid-http-targets)");
}
