import type { AuthorityCapabilityUri } from "capability-protocol";
import { normalizeAuthority } from "capability-protocol";
import type { Held } from "../../capability/held-capability.ts";
import { holdGiven, holdTenant, use } from "../../capability/held-capability.ts";
import { profileOption } from "../../capability/named-profile.ts";
import { parseResolvable } from "../../capability/resolvable.ts";
import { TENANT_RIGHTS } from "../../capability/tenant-capabilities.ts";
import type { Through, Trust } from "../../command-line/command.ts";
import { Failure } from "../../failure/failure.ts";
import { shellWord } from "../../shell.ts";
import type { World } from "../../world.ts";

/**
 * A membrane's own capability: the one that is given, or that of the membrane of this name.
 *
 * @throws Failure when no membrane has the name.
 */
export async function holdThrough(
  through: Through,
  right: "export" | "revoke",
  trust: Trust,
  world: World,
): Promise<Held> {
  if (through.by === "capability") return holdGiven(through.uri, right, trust, world);
  const { id } = through;
  const asking = withId(await holdTenant(undefined, TENANT_RIGHTS.query, trust, world), id);
  const { membranes } = await use(asking, (membrane, capability) => membrane.query(capability, { id }));
  const found = membranes.find((each) => each.id === id);
  if (found === undefined) throw noMembrane(id, trust);
  const uri = parseResolvable(found.capabilities[right]);
  if (!uri.ok) throw new Failure(`${asking.place.authority}: expected ${uri.problem.expected} in its answer`);
  requireSameService(asking, uri.value, right);
  return holdGiven(uri.value, right, trust, world);
}

/**
 * What is sent next may be a secret, and trust is given for one authority: whoever answers the query must not choose where
 * it goes.
 */
function requireSameService(
  { uri, place }: Held,
  { authority }: AuthorityCapabilityUri,
  right: string,
): void {
  if (normalizeAuthority(authority) === normalizeAuthority(uri.authority)) return;
  throw new Failure(
    `${place.authority} names a capability of another service, ${authority}`,
    `capi membrane query --id ID prints it; if that is right, use it: capi membrane ${right} --capability @FILE`,
  );
}

/** The same, where advice names the membrane. */
export function withId(held: Held, id: string | undefined): Held {
  return { ...held, place: { ...held.place, id } };
}

function noMembrane(id: string, trust: Trust): Failure {
  const profile = profileOption(trust.profile);
  return new Failure(
    `no membrane is named ${shellWord(id)}; it may have been revoked`,
    [
      `capi membrane query --limit 1000${profile}   lists those there are`,
      `capi membrane create --id ID${profile}       makes one`,
    ].join("\n"),
  );
}
