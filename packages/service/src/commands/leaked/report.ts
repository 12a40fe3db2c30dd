import type { Kind } from "../../domain/capability.ts";
import type { StoredMembrane } from "../../store/record.ts";
import type { Descendants } from "../../store/store.ts";
import { quoteName } from "../escape.ts";
import type { Print } from "../print.ts";
import type { Leak, Leaks } from "./leaks.ts";

/** A membrane that would end leaked capabilities. */
export interface Remedy {
  readonly membrane: StoredMembrane;
  readonly tenant: string;
  /** The capabilities that leaked, are alive, and end with it. */
  readonly leaks: readonly Readonly<Leak>[];
  /** All that it ends, those among them. */
  readonly descendants: Descendants;
}

const KIND_NAMES: Readonly<Record<Kind, string>> = {
  provision: "provision (operator)",
  create: "create",
  query: "query",
  deleteSelf: "deleteSelf",
  export: "export",
  revoke: "revoke",
  invoke: "exported capability",
};

/** Prints what was found, for a person. No token is printed. */
export function printLeaks(print: Print, leaks: Leaks): void {
  const { listed, unlistedAlive, unlistedDead, unknown, unreadable, truncated } = leaks;
  const alive = listed.filter(({ state }) => state === "alive").length;
  print(
    listed.length === 0
      ? "No capability of this service was found."
      : `Found ${plural(listed.length, "capability", "capabilities")} of this service, of which ${alive} ${alive === 1 ? "is" : "are"} alive:`,
  );
  for (const leak of listed) print(`  ${describeLeak(leak)}`);
  if (unlistedAlive > 0)
    print(`${occurs(unlistedAlive)} of more that are alive: end these, and run it again.`);
  if (unlistedDead > 0) print(`${occurs(unlistedDead)} of more that are revoked or expired.`);
  if (unreadable > 0)
    print(`${occurs(unreadable)} of records that are damaged, or that a newer version wrote.`);
  if (unknown > 0) print(`${occurs(unknown)} unknown here: of another service, or deleted.`);
  if (truncated > 0)
    print(`${occurs(truncated)} without an end, and cannot be looked up: the text has only a part of each.`);
}

/** Prints what a revoke of a membrane would end. */
export function printRemedy(print: Print, { membrane, tenant, leaks, descendants }: Remedy): void {
  const { capabilities, membranes, tenants, isComplete } = descendants;
  const counts = [
    plural(capabilities, "capability", "capabilities"),
    ...(membranes === 0 ? [] : [plural(membranes, "other membrane", "other membranes")]),
    ...(tenants === 0 ? [] : [plural(tenants, "tenant", "tenants")]),
  ];
  print(
    `Revoking the membrane ${quoteName(membrane.name)} of the tenant ${quoteName(tenant)} ends ${leaks.length} of them, in all ${isComplete ? "" : "at least "}${counts.join(", ")} that went through it or descend from it.`,
  );
}

/** Says what no revoke of a membrane ends. */
export function printIncurable(print: Print, leaks: readonly Readonly<Leak>[]): void {
  const own = leaks.filter(({ membrane, state }) => membrane === undefined && state === "alive");
  const tenants = new Set(own.flatMap(({ tenant }) => (tenant === undefined ? [] : [tenant])));
  for (const tenant of tenants) {
    print(
      `Only "membrane tenant delete" ends create, query and deleteSelf of the tenant ${quoteName(tenant)}, with all that it owns.`,
    );
  }
  if (own.some(({ kind }) => kind === "provision")) {
    print("Nothing ends provision, which makes tenants: set --max-tenants to the number that there is.");
  }
}

/** What was found, for a program. */
export function leaksAsJson(
  { listed, ...counts }: Leaks,
  remedies: readonly (Remedy & { readonly revoked: boolean })[],
): object {
  return {
    capabilities: listed.map(({ uid: _uid, membrane, expiresAt, isReexport, fingerprint, ...leak }) => ({
      capability: fingerprint,
      ...leak,
      reexport: isReexport,
      ...(membrane === undefined ? {} : { membrane: membrane.name }),
      ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
    })),
    membranes: remedies.map(({ membrane, tenant, leaks, revoked, descendants }) => {
      const { isComplete, ...ended } = descendants;
      return {
        id: membrane.name,
        tenant,
        leaks: leaks.length,
        ends: { ...ended, complete: isComplete },
        revoked,
      };
    }),
    ...counts,
  };
}

function describeLeak(leak: Readonly<Leak>): string {
  const { state, fingerprint, kind, isReexport, line, occurrences, membrane, tenant, expiresAt } = leak;
  const parts = [
    `${state.padEnd(7)}  ${fingerprint}  ${isReexport ? "re-export of " : ""}${KIND_NAMES[kind]}`,
    occurrences === 1 ? `line ${line}` : `line ${line} first, ${occurrences} times in all`,
    ...(membrane === undefined ? [] : [`membrane ${quoteName(membrane.name)}`]),
    ...(tenant === undefined ? [] : [`tenant ${quoteName(tenant)}`]),
    ...(expiresAt === undefined ? [] : [`expires ${new Date(expiresAt).toISOString()}`]),
  ];
  return parts.join("; ");
}

function occurs(tokens: number): string {
  return tokens === 1 ? "1 token is" : `${tokens} tokens are`;
}

function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
