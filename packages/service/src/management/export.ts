import type { ExportRequest, Problem, TargetConfiguration, TargetOrigin } from "capability-protocol";
import { checkServiceCapabilityLimits, err, ok, originOfAuthority } from "capability-protocol";
import type { Capability, Kind } from "../domain/capability.ts";
import { operationOf } from "../domain/capability.ts";
import type { Outcome } from "../domain/denial.ts";
import { denialOfCreation } from "../domain/creation-denial.ts";
import { invalid } from "../domain/denial.ts";
import type { Narrowing } from "../domain/limits.ts";
import { isDelegable } from "../domain/limits.ts";
import type { Target, TargetContent } from "../domain/target.ts";
import { contentOf } from "../domain/target.ts";
import { parseCertificates } from "capability-sdk/pem";
import { parsePrivateKey } from "../pem.ts";
import { KEY_BYTES } from "../store/seal.ts";
import { sealTarget } from "../store/target-seal.ts";
import type { OpenedCapability } from "../store/vault.ts";
import type { ManagementResponse, Caller, ManagementContext } from "./context.ts";
import { actorOf } from "./context.ts";
import { formatUri } from "./capability-uri.ts";
import { checkHeadSize } from "./head-size-check.ts";
import { checkLength, formatEnd, narrowingOf } from "./narrowing.ts";
import { resourceOf } from "./resource.ts";

/** Makes a capability through a membrane: for a target, or from another capability. */
export async function exportCapability(
  context: ManagementContext,
  caller: Caller,
  request: ExportRequest,
): Promise<Outcome<ManagementResponse>> {
  const narrowing = narrowingOf(request, context.now().getTime());
  if (!narrowing.ok) return narrowing;
  if (request.kind === "target") {
    const denied = await checkTarget(context, caller, request.target);
    return denied ?? exportTarget(context, caller, contentOf(request), narrowing.value);
  }
  const { authority, token } = request.capability;
  if (!context.isOwn(authority)) {
    const denied = checkHost(context, "capability", originOfAuthority(authority));
    return denied ?? exportTarget(context, caller, contentOf(request), narrowing.value);
  }
  const parent = await context.vault.open(token);
  if (parent === undefined) return err({ reason: "invalid_capability" });
  if (!isDelegable(parent.limits)) return err({ reason: "not_delegable" });
  const problem = findServiceLimit(parent.capability.kind, request);
  if (problem !== undefined) return err({ reason: "invalid_field", problem });
  return reexport(context, caller, parent, narrowing.value);
}

/** Finds a limit that is only for requests to targets. */
function findServiceLimit(kind: Kind, { limits }: ExportRequest): Problem | undefined {
  const operation = operationOf(kind);
  return limits === undefined || operation === undefined
    ? undefined
    : checkServiceCapabilityLimits(limits, operation);
}

async function exportTarget(
  context: ManagementContext,
  caller: Caller,
  content: TargetContent,
  narrowing: Narrowing,
): Promise<Outcome<ManagementResponse>> {
  const { changes, vault, random } = context;
  const target: Target = {
    type: "target",
    uid: vault.newUid(),
    membrane: resourceOf(caller),
    createdBy: caller.capability.uid,
  };
  const dataKey = random(KEY_BYTES);
  const rights = { ...provenance(caller), kind: "invoke", resource: target.uid } as const;
  const minted = vault.mint(rights, dataKey, narrowing);
  const checked = checkLength(narrowing, minted.record);
  if (!checked.ok) return checked;
  const stored = sealTarget(target, content, dataKey);
  const { newCounters } = minted;
  const { useCounters } = caller;
  const created = await changes.create(actorOf(caller), [stored, minted.record], {
    newCounters,
    useCounters,
  });
  if (!created.ok) return err(denialOfCreation(created.error));
  return ok({
    status: 201,
    body: { capability: formatUri(context.authority, minted.token), ...formatEnd(narrowing) },
  });
}

/** Seals the parent's payload under a new token, so that the depth of a delegation costs nothing later. */
async function reexport(
  context: ManagementContext,
  caller: Caller,
  parent: OpenedCapability,
  narrowing: Narrowing,
): Promise<Outcome<ManagementResponse>> {
  const { kind, resource, uid } = parent.capability;
  const rights = {
    ...provenance(caller),
    kind,
    parent: uid,
    ...(resource === undefined ? {} : { resource }),
  };
  const minted = context.vault.mint(rights, parent.payload, { ...narrowing, inherited: parent.limits });
  const checked = checkLength(narrowing, minted.record);
  if (!checked.ok) return checked;
  const { newCounters } = minted;
  const { useCounters } = caller;
  const created = await context.changes.create(actorOf(caller), [minted.record], {
    newCounters,
    useCounters,
  });
  if (created.ok) {
    return ok({
      status: 201,
      body: { capability: formatUri(context.authority, minted.token), ...formatEnd(narrowing) },
    });
  }
  if (created.error.reason !== "lineage_dead") return err(denialOfCreation(created.error));
  const callerWorks = await context.store.isAlive(caller.capability.uid);
  return err({ reason: callerWorks ? "invalid_capability" : "unauthorized" });
}

/** Returns the membrane and the creator of everything that an `export` capability makes. */
function provenance(caller: Caller): Pick<Capability, "membrane" | "createdBy"> {
  return { membrane: resourceOf(caller), createdBy: caller.capability.uid };
}

async function checkTarget(
  context: ManagementContext,
  caller: Caller,
  target: TargetConfiguration,
): Promise<Outcome<ManagementResponse> | undefined> {
  const denied =
    checkHeadSize(target, context.headerBytes) ??
    checkHost(context, "uri", target.uri.origin) ??
    checkTransport(context, target);
  if (denied !== undefined || !hasPem(target)) return denied;
  // 64 KiB of certificates take the event loop 10 ms and more.
  return context.scheduleFairly(resourceOf(caller), () => checkTls(target));
}

function hasPem({ tls }: TargetConfiguration): boolean {
  return tls?.ca !== undefined || tls?.cert !== undefined;
}

/** Refuses at the export what every connection would refuse. What a name resolves to is checked at each connection. */
function checkHost(
  { policy }: ManagementContext,
  field: string,
  origin: TargetOrigin,
): Outcome<ManagementResponse> | undefined {
  return policy.checkHost(origin).ok
    ? undefined
    : invalid(
        field,
        "an address that this service may connect to: a public one, or one that its flag --allow-target allows",
      );
}

/** Refuses at the export what every connection would refuse. */
function checkTransport(
  { policy }: ManagementContext,
  { uri, tls }: TargetConfiguration,
): Outcome<ManagementResponse> | undefined {
  if (policy.checkTransport(uri.origin, tls).ok) return undefined;
  return uri.origin.scheme === "https"
    ? invalid(
        "tls.rejectUnauthorized",
        "true: this service checks every target (--forbid-unverified-targets)",
      )
    : invalid("uri", "https: this service speaks to no target without TLS (--forbid-http-targets)");
}

/**
 * Largest modulus of a client's key, in bits. The time of a signature grows with its cube, and each handshake makes one on the
 * event loop: 16,384 bits take more than half a second.
 */
const MAX_MODULUS_BITS = 4_096;

function checkTls(target: TargetConfiguration): Outcome<ManagementResponse> | undefined {
  const { ca, cert, key } = target.tls ?? {};
  if (ca !== undefined && parseCertificates(ca) === undefined)
    return invalid("tls.ca", "certificates in PEM");
  if (cert === undefined || key === undefined) return undefined;
  const [leaf] = parseCertificates(cert) ?? [];
  if (leaf === undefined) return invalid("tls.cert", "certificates in PEM, the client's own first");
  const privateKey = parsePrivateKey(key);
  if (privateKey === undefined) return invalid("tls.key", "an unencrypted private key in PEM");
  if ((privateKey.asymmetricKeyDetails?.modulusLength ?? 0) > MAX_MODULUS_BITS)
    return invalid("tls.key", `a key of at most ${MAX_MODULUS_BITS} bits, or of an elliptic curve`);
  return leaf.checkPrivateKey(privateKey) ? undefined : invalid("tls.key", "the private key of tls.cert");
}
