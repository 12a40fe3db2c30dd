import fc from "fast-check";
import type { Dispatcher } from "undici";
import { expect } from "vitest";
import type { Kind } from "../../src/domain/capability.ts";
import type { CallResponse, CallOptions } from "../../../testkit/src/client.ts";
import { call, expectStatus, tokenOf, uriOf } from "../../../testkit/src/client.ts";
import { PROBES } from "../../../testkit/src/liveness-probes.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import type { ModelCapability, ModelMembrane, ModelEntity } from "./lifecycle-model.ts";
import { LifecycleModel } from "./lifecycle-model.ts";

type Use = "provision" | "create" | "exportTarget" | "reexport" | "query" | "revoke" | "deleteSelf";

type Action = Use | "wait";

/** One step of a history. Its numbers select among the entities that exist by then. */
export interface Step {
  readonly action: Action;
  /** Selects the capability to use, of the kind that the action needs. */
  readonly by: number;
  /** Selects the capability to re-export. */
  readonly what: number;
  /** Whether dead ones can be selected, too. */
  readonly evenDead: boolean;
  readonly name: string;
  readonly limit: number;
  /** Selects the node to use. */
  readonly node: number;
  /** How long a new capability lives; absent: it does not expire. */
  readonly ttlMs: number | undefined;
}

/** UTF-8 and UTF-16 order the last two differently. */
const NAMES = ["a", "aa", "b", "Z", "é", "\u{fffd}", "\u{1f600}"];

export const arbitraryStep: fc.Arbitrary<Step> = fc.record({
  action: fc.oneof(
    ...weighted({
      provision: 1,
      create: 4,
      exportTarget: 3,
      reexport: 9,
      query: 4,
      revoke: 3,
      deleteSelf: 1,
      wait: 2,
    }),
  ),
  by: fc.nat(),
  what: fc.nat(),
  evenDead: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  name: fc.constantFrom(...NAMES),
  limit: fc.integer({ min: 1, max: 3 }),
  node: fc.nat(),
  ttlMs: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined, freq: 1 }),
});

function weighted(weights: Record<Action, number>): { arbitrary: fc.Arbitrary<Action>; weight: number }[] {
  return (Object.keys(weights) as Action[]).map((action) => ({
    arbitrary: fc.constant(action),
    weight: weights[action],
  }));
}

const KIND_OF_USE: Record<Use, Kind> = {
  provision: "provision",
  create: "create",
  exportTarget: "export",
  reexport: "export",
  query: "query",
  revoke: "revoke",
  deleteSelf: "deleteSelf",
};

/** The time of day of a service, in milliseconds since 1970. */
export interface TestClock {
  now: number;
}

/** The node that a step is sent to. */
export function nodeOf<T>(nodes: readonly T[], { node }: Pick<Step, "node">): T {
  return nodes[node % nodes.length]!;
}

/** Runs histories with the service and with the model, and compares the results. */
export class HistoryPlayer {
  readonly world: LifecycleModel = new LifecycleModel();
  #nodes: readonly TestService[];
  /** The node that the next requests are sent to. */
  #node: TestService;
  readonly #dispatcher: Dispatcher;
  readonly #targetUrl: string;
  readonly #prefix: string;
  readonly #clock: TestClock;

  /**
   * @param nodes the services of one store. The first has made its first tenant.
   * @param prefix prefix of the names of tenants, which all histories share.
   */
  constructor(
    nodes: readonly [TestService, ...TestService[]],
    clock: TestClock,
    dispatcher: Dispatcher,
    targetUrl: string,
    prefix: string,
  ) {
    this.#nodes = nodes;
    [this.#node] = nodes;
    this.#clock = clock;
    this.#dispatcher = dispatcher;
    this.#targetUrl = targetUrl;
    this.#prefix = prefix;
    this.world.hold({ kind: "provision", token: this.#node.tokens.provision });
  }

  /** Goes on with another service that has the same store. */
  continueWith(service: TestService): void {
    this.#nodes = [service];
    this.#node = service;
  }

  async step(step: Step): Promise<void> {
    const { action } = step;
    this.#node = nodeOf(this.#nodes, step);
    if (action === "wait") return this.#wait(step);
    const by = this.#choose(step.by, step.evenDead, KIND_OF_USE[action]);
    if (by !== undefined) await this[action](by, step);
  }

  #wait({ limit }: Step): void {
    this.#clock.now += limit;
    this.world.expire(this.#clock.now);
  }

  /**
   * Checks, at every node, that every capability works exactly if the model says so, and that the `query` of each tenant lists what
   * the model lists.
   */
  async check(): Promise<void> {
    for (const node of this.#nodes) {
      this.#node = node;
      await this.#checkNode();
    }
  }

  async #checkNode(): Promise<void> {
    const known = new Map<ModelEntity, boolean>();
    const { capabilities } = this.world;
    const said = await Promise.all(
      capabilities.map(async ({ kind, token }) => (await this.#call(token, PROBES[kind].options)).status),
    );
    const describe = (index: number, status: number | undefined): string =>
      `${index} ${capabilities[index]!.kind} ${status}`;
    expect(said.map((status, index) => describe(index, status))).toEqual(
      capabilities.map((held, index) =>
        describe(index, this.world.works(held, known) ? PROBES[held.kind].alive : 401),
      ),
    );
    for (const held of capabilities) {
      if (held.kind === "query" && held.parent === undefined && this.world.works(held, known))
        await this.#list(held, 1_000);
    }
  }

  async provision(by: ModelCapability, { name }: Pick<Step, "name">): Promise<void> {
    const id = this.#prefix + name;
    const response = await this.#call(by.token, { body: { id } });
    if (!this.#isAnswered(response, by, this.world.isTenantName(id) ? "tenant_exists" : undefined)) return;
    expectStatus(response, 201);
    const tenant: ModelEntity = { kind: "tenant", madeWith: by, revoked: false };
    this.world.tenants.push({ name: id, tenant });
    for (const kind of ["create", "query", "deleteSelf"] as const) {
      this.world.hold({ kind, actsOn: tenant, token: tokenOf(response.json.capabilities[kind]) });
    }
  }

  async create(by: ModelCapability, { name }: Step): Promise<void> {
    const tenant = by.actsOn!;
    const isTaken = this.world.listed(tenant).some((membrane) => membrane.name === name);
    const response = await this.#call(by.token, { body: { id: name } });
    if (!this.#isAnswered(response, by, isTaken ? "membrane_exists" : undefined)) return;
    expectStatus(response, 201);
    const thing: ModelEntity = { kind: "membrane", actsOn: tenant, madeWith: by, revoked: false };
    const { capabilities } = response.json;
    const own = {
      export: this.world.hold({ kind: "export", actsOn: thing, token: tokenOf(capabilities.export) }),
      revoke: this.world.hold({ kind: "revoke", actsOn: thing, token: tokenOf(capabilities.revoke) }),
    };
    this.world.membranes.push(Object.assign(thing, { kind: "membrane", actsOn: tenant, name, own } as const));
  }

  async exportTarget(by: ModelCapability, { ttlMs }: Step): Promise<void> {
    const response = await this.#call(by.token, { body: { uri: this.#targetUrl, limits: { ttlMs } } });
    if (!this.#isAnswered(response, by)) return;
    const token = tokenOf(expectStatus(response, 201).json.capability);
    const expiresAt = this.#timeAfter(ttlMs);
    this.world.hold({ kind: "invoke", through: by.actsOn!, madeWith: by, token, expiresAt });
  }

  async reexport(by: ModelCapability, { what, evenDead, ttlMs }: Step): Promise<void> {
    const parent = this.#choose(what, evenDead);
    if (parent === undefined) return;
    const capability = uriOf(this.#node, parent.token);
    const response = await this.#call(by.token, { body: { capability, limits: { ttlMs } } });
    if (!this.#isAnswered(response, by, this.world.works(parent) ? undefined : "invalid_capability")) return;
    const token = tokenOf(expectStatus(response, 201).json.capability);
    const subject = parent.actsOn === undefined ? {} : { actsOn: parent.actsOn };
    const descent = { kind: parent.kind, parent, through: by.actsOn!, madeWith: by };
    this.world.hold({ ...subject, ...descent, token, expiresAt: this.#timeAfter(ttlMs) });
  }

  #timeAfter(ttlMs: number | undefined): number | undefined {
    return ttlMs === undefined ? undefined : this.#clock.now + ttlMs;
  }

  async query(by: ModelCapability, { name, limit }: Step): Promise<void> {
    const path = `/?id=${encodeURIComponent(name)}`;
    const response = await this.#call(by.token, { path });
    if (!this.#isAnswered(response, by)) return;
    const named = this.world.listed(by.actsOn!).filter((membrane) => membrane.name === name);
    this.#checkPage(by, response, named, true);
    await this.#list(by, limit);
  }

  async revoke(by: ModelCapability): Promise<void> {
    const response = await this.#call(by.token, { method: "POST" });
    if (!this.#isAnswered(response, by)) return;
    expectStatus(response, 202);
    by.actsOn!.revoked = true;
  }

  async deleteSelf(by: ModelCapability): Promise<void> {
    await this.revoke(by);
  }

  /** @returns whether the request was allowed, so that the caller must check the response. */
  #isAnswered(response: CallResponse, by: ModelCapability, code?: string): boolean {
    const expected = this.world.works(by) ? code : "unauthorized";
    expect(response.json.code).toBe(expected);
    return expected === undefined;
  }

  async #list(query: ModelCapability, limit: number): Promise<void> {
    const all = this.world.listed(query.actsOn!);
    for (let from = 0; from === 0 || from < all.length; from += limit) {
      const after = from === 0 ? "" : `&lastId=${encodeURIComponent(all[from - 1]!.name)}`;
      const response = await this.#call(query.token, { path: `/?limit=${limit}${after}` });
      this.#checkPage(query, response, all.slice(from, from + limit), from + limit >= all.length);
    }
  }

  #checkPage(
    query: ModelCapability,
    response: CallResponse,
    membranes: readonly ModelMembrane[],
    completed: boolean,
  ): void {
    const expected = membranes.filter((membrane) => this.world.isListable(query, membrane));
    type Entry = { id: string; capabilities: { export: string; revoke: string } };
    const page: readonly Entry[] = expectStatus(response, 200).json.membranes;
    expect(page.map(({ id }) => id)).toEqual(expected.map(({ name }) => name));
    expect(response.json.completed).toBe(completed);
    for (const [index, { capabilities }] of page.entries()) {
      const tokens = { export: tokenOf(capabilities.export), revoke: tokenOf(capabilities.revoke) };
      const listed = this.world.listing(query, expected[index]!, tokens);
      expect(tokens).toEqual({ export: listed.export.token, revoke: listed.revoke.token });
    }
  }

  #choose(number: number, evenDead: boolean, kind?: Kind): ModelCapability | undefined {
    const known = new Map<ModelEntity, boolean>();
    const fit = this.world.capabilities.filter((held) => kind === undefined || held.kind === kind);
    const all = evenDead ? fit : fit.filter((held) => this.world.works(held, known));
    // Every other selection is among the newest, so that lineages become deep.
    const choice = number % 2 === 0 ? all : all.slice(-3);
    return choice[Math.floor(number / 2) % choice.length];
  }

  #call(token: string, options: CallOptions): Promise<CallResponse> {
    return call(this.#node, token, { ...options, dispatcher: this.#dispatcher });
  }
}
