import type { AuthorityCapabilityUri } from "capability-protocol";
import { normalizeAuthority } from "capability-protocol/authority";
import type { ResolvedCapability } from "../../capability/resolved-capability.ts";
import { callService } from "../../capability/call-service.ts";
import { resolveGivenCapability, resolveTenantCapability } from "../../capability/resolved-capability.ts";
import { profileOption } from "../../capability/profile-option.ts";
import { parseResolvable } from "../../capability/resolvable.ts";
import { TENANT_RIGHTS } from "../../capability/tenant-capabilities.ts";
import { CliError } from "../../errors/cli-error.ts";
import { shellWord } from "../../shell.ts";
import type { Io } from "../../io.ts";
import type { TrustOptions } from "../../trust/trust-options.ts";
import type { MembraneRef } from "./membrane-ref.ts";

/**
 * Returns a membrane's capability: the given one, or that of the membrane with this name.
 *
 * @throws CliError when no membrane has the name.
 */
export async function resolveMembraneCapability(
  membraneRef: MembraneRef,
  right: "export" | "revoke",
  trust: TrustOptions,
  io: Io,
): Promise<ResolvedCapability> {
  if (membraneRef.by === "capability") return resolveGivenCapability(membraneRef.uri, right, trust, io);
  const { id } = membraneRef;
  const queryCapability = withId(
    await resolveTenantCapability(undefined, TENANT_RIGHTS.query, trust, io),
    id,
  );
  const { membranes } = await callService(queryCapability, (membrane, capability) =>
    membrane.query(capability, { id }),
  );
  const found = membranes.find((each) => each.id === id);
  if (found === undefined) throw membraneNotFound(id, trust);
  const uri = parseResolvable(found.capabilities[right]);
  if (!uri.ok)
    throw new CliError(
      `${queryCapability.context.authority}: expected ${uri.error.expected} in its response`,
    );
  requireSameService(queryCapability, uri.value, right);
  return resolveGivenCapability(uri.value, right, trust, io);
}

/**
 * Refuses a capability of another service than the one that was queried: the next request may contain a secret, and that service
 * must not choose where it is sent.
 */
function requireSameService(
  { uri, context }: ResolvedCapability,
  { authority }: AuthorityCapabilityUri,
  right: string,
): void {
  if (normalizeAuthority(authority) === normalizeAuthority(uri.authority)) return;
  throw new CliError(
    `${context.authority} names a capability of another service, ${authority}`,
    `capi membrane query --id ID prints it; if that is right, use it: capi membrane ${right} --capability @FILE`,
  );
}

/** Adds the membrane's name to the context, for hints. */
export function withId(resolved: ResolvedCapability, id: string | undefined): ResolvedCapability {
  return { ...resolved, context: { ...resolved.context, id } };
}

function membraneNotFound(id: string, trust: TrustOptions): CliError {
  const profile = profileOption(trust.profile);
  return new CliError(
    `no membrane is named ${shellWord(id)}; it may have been revoked`,
    [
      `capi membrane query --limit 1000${profile}   lists the existing ones`,
      `capi membrane create --id ID${profile}       creates one`,
    ].join("\n"),
  );
}
