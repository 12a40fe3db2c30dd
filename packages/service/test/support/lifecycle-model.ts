import type { Kind } from "../../src/domain/capability.ts";

/** Anything that can be alive: a tenant, a membrane or a capability, with all it descends from. */
export interface ModelEntity {
  readonly kind: Kind | "tenant" | "membrane";
  /** What a capability acts on; the tenant of a membrane. */
  readonly actsOn?: ModelEntity;
  /** What was re-exported. */
  readonly parent?: ModelEntity;
  /** The membrane it went through. */
  readonly through?: ModelEntity;
  /** The capability that was used to make it. */
  readonly madeWith?: ModelEntity;
  revoked: boolean;
}

/** A capability as its holder has it. */
export interface ModelCapability extends ModelEntity {
  readonly kind: Kind;
  readonly token: string;
}

export interface ModelMembrane extends ModelEntity {
  readonly kind: "membrane";
  readonly actsOn: ModelEntity;
  readonly name: string;
  /** The tokens that the tenant's own `query` lists. */
  readonly own: Listed;
}

/** The two capabilities of a membrane, as `create` and `query` answer them. */
export interface Listed {
  readonly export: ModelCapability;
  readonly revoke: ModelCapability;
}

/**
 * Alive: not revoked, and all it points to is alive. A `revoke` capability, wherever it stands in a lineage, disregards
 * that its own subject is revoked.
 *
 * @param known what was asked before, since paths can double at each step.
 */
export function isAlive(thing: ModelEntity, known: Map<ModelEntity, boolean> = new Map()): boolean {
  return !thing.revoked && isEntityAlive(thing, known);
}

function isEntityAlive(thing: ModelEntity, known: Map<ModelEntity, boolean>): boolean {
  const before = known.get(thing);
  if (before !== undefined) return before;
  const { kind, actsOn, parent, through, madeWith } = thing;
  const forgiven = kind === "revoke" ? actsOn : undefined;
  const strict = [kind === "revoke" ? undefined : actsOn, parent, through, madeWith];
  const response =
    (forgiven === undefined || isEntityAlive(forgiven, known)) &&
    strict.every((other) => other === undefined || isAlive(other, known));
  known.set(thing, response);
  return response;
}

/** All that was ever made in one history. */
export class LifecycleModel {
  readonly capabilities: ModelCapability[] = [];
  readonly membranes: ModelMembrane[] = [];
  readonly tenants: { readonly name: string; readonly tenant: ModelEntity }[] = [];
  /** What each delegated `query` has given out: the same again, the next time. */
  readonly #given = new Map<ModelCapability, Map<ModelMembrane, Listed>>();

  hold(capability: Omit<ModelCapability, "revoked">): ModelCapability {
    if (this.capabilities.some(({ token }) => token === capability.token)) {
      throw new Error(`a second capability has the token of the first: ${capability.kind}`);
    }
    const held = { ...capability, revoked: false };
    this.capabilities.push(held);
    return held;
  }

  /** The alive membranes of a tenant, in the order of their names' UTF-8 bytes. */
  listed(tenant: ModelEntity): ModelMembrane[] {
    return this.membranes
      .filter((membrane) => membrane.actsOn === tenant && isAlive(membrane))
      .toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  }

  isTenantName(name: string): boolean {
    return this.tenants.some((entry) => entry.name === name && isAlive(entry.tenant));
  }

  /** What `query` must list for a membrane; `tokens` are remembered if it lists it for the first time. */
  listing(
    query: ModelCapability,
    membrane: ModelMembrane,
    tokens: { readonly export: string; readonly revoke: string },
  ): Listed {
    if (query.parent === undefined) return membrane.own;
    const given = this.#given.get(query) ?? new Map<ModelMembrane, Listed>();
    this.#given.set(query, given);
    const before = given.get(membrane);
    if (before !== undefined) return before;
    const delegated = { actsOn: membrane, madeWith: query };
    const listed = {
      export: this.hold({ ...delegated, kind: "export", parent: membrane.own.export, token: tokens.export }),
      revoke: this.hold({ ...delegated, kind: "revoke", parent: membrane.own.revoke, token: tokens.revoke }),
    };
    given.set(membrane, listed);
    return listed;
  }
}
