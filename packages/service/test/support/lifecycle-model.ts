import type { Kind } from "../../src/domain/capability.ts";

/** A tenant, a membrane or a capability, with all that it descends from. */
export interface ModelEntity {
  readonly kind: Kind | "tenant" | "membrane";
  /** The resource of a capability; the tenant of a membrane. */
  readonly actsOn?: ModelEntity;
  /** The capability that was re-exported. */
  readonly parent?: ModelEntity;
  /** The membrane it went through. */
  readonly through?: ModelEntity;
  /** The capability that was used to make it. */
  readonly madeWith?: ModelEntity;
  /** A capability that has expired counts as revoked. */
  revoked: boolean;
}

/** A capability with its token. */
export interface ModelCapability extends ModelEntity {
  readonly kind: Kind;
  readonly token: string;
  readonly expiresAt?: number | undefined;
}

export interface ModelMembrane extends ModelEntity {
  readonly kind: "membrane";
  readonly actsOn: ModelEntity;
  readonly name: string;
  /** The tokens that the tenant's own `query` lists. */
  readonly own: Listed;
}

/** The two capabilities of a membrane, as in responses of `create` and `query`. */
export interface Listed {
  readonly export: ModelCapability;
  readonly revoke: ModelCapability;
}

/**
 * Computes whether an entity is alive: not revoked, and all it points to is alive. A `revoke` capability, anywhere in a lineage,
 * ignores that its resource is revoked.
 *
 * @param known results so far, since paths can double at each step.
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

/** Everything that was created in one history. */
export class LifecycleModel {
  readonly capabilities: ModelCapability[] = [];
  readonly membranes: ModelMembrane[] = [];
  readonly tenants: { readonly name: string; readonly tenant: ModelEntity }[] = [];
  /** Those that a service key was dropped with: what descends from them works on. */
  readonly forgotten: Set<ModelCapability> = new Set();
  /** The capabilities that each delegated `query` has listed: it lists the same again. */
  readonly #given = new Map<ModelCapability, Map<ModelMembrane, Listed>>();

  hold(capability: Omit<ModelCapability, "revoked">): ModelCapability {
    if (this.capabilities.some(({ token }) => token === capability.token)) {
      throw new Error(`a second capability has the token of the first: ${capability.kind}`);
    }
    const held = { ...capability, revoked: false };
    this.capabilities.push(held);
    return held;
  }

  /** Whether its token works: it is alive, and was not forgotten. @param known as in {@link isAlive}. */
  works(capability: ModelCapability, known?: Map<ModelEntity, boolean>): boolean {
    return !this.forgotten.has(capability) && isAlive(capability, known);
  }

  /** Ends what has expired. */
  expire(now: number): void {
    for (const held of this.capabilities)
      if (held.expiresAt !== undefined && held.expiresAt <= now) held.revoked = true;
  }

  /** Lists the membranes of a tenant that are alive, in the order of their names' UTF-8 bytes. */
  listed(tenant: ModelEntity): ModelMembrane[] {
    return this.membranes
      .filter((membrane) => membrane.actsOn === tenant && isAlive(membrane))
      .toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  }

  /**
   * Whether `query` lists the capabilities of a membrane: those of a delegated one are made from the membrane's, unless they are there.
   * What was forgotten is made anew.
   */
  isListable(query: ModelCapability, membrane: ModelMembrane): boolean {
    if (query.parent === undefined) return true;
    const given = this.#given.get(query)?.get(membrane);
    const isKnown = ({ export: exporting, revoke }: Listed): boolean =>
      !this.forgotten.has(exporting) && !this.forgotten.has(revoke);
    return (given !== undefined && isKnown(given)) || isKnown(membrane.own);
  }

  isTenantName(name: string): boolean {
    return this.tenants.some((entry) => entry.name === name && isAlive(entry.tenant));
  }

  /** Returns what `query` must list for a membrane; `tokens` are stored when it is listed for the first time. */
  listing(
    query: ModelCapability,
    membrane: ModelMembrane,
    tokens: { readonly export: string; readonly revoke: string },
  ): Listed {
    if (query.parent === undefined) return membrane.own;
    const given = this.#given.get(query) ?? new Map<ModelMembrane, Listed>();
    this.#given.set(query, given);
    const before = given.get(membrane);
    if (before !== undefined) {
      for (const made of [before.export, before.revoke]) this.forgotten.delete(made);
      return before;
    }
    const delegated = { actsOn: membrane, madeWith: query };
    const listed = {
      export: this.hold({ ...delegated, kind: "export", parent: membrane.own.export, token: tokens.export }),
      revoke: this.hold({ ...delegated, kind: "revoke", parent: membrane.own.revoke, token: tokens.revoke }),
    };
    given.set(membrane, listed);
    return listed;
  }
}
