import type { Kind } from "../src/domain/capability.ts";

/** Anything that can be alive: a tenant, a membrane or a capability, with all it descends from. */
export interface Thing {
  readonly kind: Kind | "tenant" | "membrane";
  /** What a capability acts on; the tenant of a membrane. */
  readonly actsOn?: Thing;
  /** What was re-exported. */
  readonly parent?: Thing;
  /** The membrane it went through. */
  readonly through?: Thing;
  /** The capability that was used to make it. */
  readonly madeWith?: Thing;
  revoked: boolean;
}

/** A capability as its holder has it. */
export interface Held extends Thing {
  readonly kind: Kind;
  readonly token: string;
}

export interface Membrane extends Thing {
  readonly kind: "membrane";
  readonly actsOn: Thing;
  readonly name: string;
  /** The tokens that the tenant's own `query` lists. */
  readonly own: Listed;
}

/** The two capabilities of a membrane, as `create` and `query` answer them. */
export interface Listed {
  readonly export: Held;
  readonly revoke: Held;
}

/**
 * Alive: not revoked, and all it points to is alive. A `revoke` capability, wherever it stands in a lineage, disregards
 * that its own subject is revoked.
 *
 * @param known what was asked before, since paths can double at each step.
 */
export function isAlive(thing: Thing, known: Map<Thing, boolean> = new Map()): boolean {
  return !thing.revoked && stands(thing, known);
}

function stands(thing: Thing, known: Map<Thing, boolean>): boolean {
  const before = known.get(thing);
  if (before !== undefined) return before;
  const { kind, actsOn, parent, through, madeWith } = thing;
  const forgiven = kind === "revoke" ? actsOn : undefined;
  const strict = [kind === "revoke" ? undefined : actsOn, parent, through, madeWith];
  const answer =
    (forgiven === undefined || stands(forgiven, known)) &&
    strict.every((other) => other === undefined || isAlive(other, known));
  known.set(thing, answer);
  return answer;
}

/** All that was ever made in one history. */
export class World {
  readonly capabilities: Held[] = [];
  readonly membranes: Membrane[] = [];
  readonly tenants: { readonly name: string; readonly tenant: Thing }[] = [];
  /** What each delegated `query` has given out: the same again, the next time. */
  readonly #given = new Map<Held, Map<Membrane, Listed>>();

  hold(capability: Omit<Held, "revoked">): Held {
    if (this.capabilities.some(({ token }) => token === capability.token)) {
      throw new Error(`a second capability has the token of the first: ${capability.kind}`);
    }
    const held = { ...capability, revoked: false };
    this.capabilities.push(held);
    return held;
  }

  /** The alive membranes of a tenant, in the order of their names' UTF-8 bytes. */
  listed(tenant: Thing): Membrane[] {
    return this.membranes
      .filter((membrane) => membrane.actsOn === tenant && isAlive(membrane))
      .toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  }

  isTenantName(name: string): boolean {
    return this.tenants.some((entry) => entry.name === name && isAlive(entry.tenant));
  }

  /** What `query` must list for a membrane; `tokens` are remembered if it lists it for the first time. */
  listing(
    query: Held,
    membrane: Membrane,
    tokens: { readonly export: string; readonly revoke: string },
  ): Listed {
    if (query.parent === undefined) return membrane.own;
    const given = this.#given.get(query) ?? new Map<Membrane, Listed>();
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
