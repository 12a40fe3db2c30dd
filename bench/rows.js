// The rows that are measured: each is a side of ours under a load, what it is compared with in the same seconds, and its goal.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { createMembrane, revoke } from "./gateways/membrane.js";

/** @typedef {import("./measure/compare.js").Row} Row */
/** @typedef {import("./measure/compare.js").Goal} Goal */

const KIB = 1024;
const MIB = 1024 * 1024;
const REVOKES_PER_SECOND = 100;

/** @type {(met: number, stretch?: number) => Goal} */
const cpu = (met, stretch) => ({ of: "cpuRatio", met, ...(stretch !== undefined && { stretch }) });
/** @type {(met: number, stretch: number) => Goal} */
const throughput = (met, stretch) => ({ of: "throughputRatio", met, stretch });

/** What is to be reached against each rival; to be better than both by so much is to be better than the better one. */
const RIVAL_GOALS = /** @type {Readonly<Record<string, Goal>>} */ ({
  "http-proxy": throughput(1.3, 1.6),
  "fast-proxy": throughput(1.3, 1.6),
  "Go's ReverseProxy with SigV4": cpu(1, 1 / 1.3),
});

/**
 * @param {import("./world.js").World} world
 * @returns {Row[]}
 */
export function rowsOf(world) {
  return [...rowsOverFloor(world), ...rowsOverPlain(world), ...rowsOfRivals(world)];
}

/**
 * @param {import("./world.js").World} world
 * @returns {Row[]}
 */
function rowsOverFloor({ service, floor, secureFloor }) {
  const plain = service("plain");
  const secure = service("plain", { secure: true });
  const signed = service("signed (aws4)");
  return [
    ...bothHeads({ name: "plain", ours: plain, against: floor() }, [cpu(0.75, 0.6), cpu(0.92, 0.8)]),
    ...bothHeads({ name: "signed (aws4)", ours: signed, against: floor() }, [cpu(0.8, 0.65), cpu(1.2, 1)]),
    { name: "signed (cap1)", ours: service("signed (cap1)"), against: floor() },
    ...bothHeads({ name: "TLS", ours: secure, against: secureFloor() }, [cpu(0.8, 0.7), cpu(1, 0.85)]),
    { name: "1 KiB up", ours: plain, against: floor(), load: { bodyBytes: KIB }, goal: cpu(0.9, 0.7) },
    { name: "1 MiB up", ours: plain, against: floor(), load: { bodyBytes: MIB }, goal: cpu(0.9, 0.7) },
    {
      name: "1 MiB down",
      ours: service("1 MiB down"),
      against: floor(String(MIB)),
      goal: cpu(0.9, 0.7),
    },
  ];
}

/**
 * @param {import("./world.js").World} world
 * @returns {Row[]}
 */
function rowsOverPlain({ service, store }) {
  const against = service("plain");
  const cold = { flags: ["--cache-entries", "1"] };
  const audit = ["--audit", join(store.data, "audit-of-changes.log")];
  const auditing = ["--audit", join(store.data, "audit.log"), "--audit-invocations", "1"];
  const limited = { name: "path + 8 limits", ours: service("path + 8 limits"), against };
  return [
    ...bothHeads(limited, [cpu(1.1, 1.05), cpu(1.1, 1.05)]),
    { name: "64 deep", ours: service("64 deep"), against, goal: cpu(1.05) },
    {
      name: `64 deep, ${REVOKES_PER_SECOND} revokes/s`,
      ours: service("64 deep"),
      against: service("plain", { isApart: true }),
      meanwhile: (gateway) => createAndRevokeMembranes(gateway, store.create),
    },
    { name: "maxUses", ours: service("maxUses"), against },
    { name: "8 times maxUses", ours: service("8 times maxUses"), against },
    { name: "cold", ours: service("cold", cold), against },
    { name: "64 deep, cold", ours: service("64 deep, cold", cold), against },
    { name: "two workers", ours: service("plain", { flags: ["--workers", "2"] }), against, goal: cpu(1.1) },
    {
      name: "metrics and audit",
      ours: service("plain", { flags: audit }),
      against: { ...service("plain", { hasMetrics: false }), name: "plain without metrics" },
      goal: cpu(1.03),
    },
    { name: "audited invocations", ours: service("plain", { flags: auditing }), against },
  ];
}

/**
 * Compares with each rival what does the same; if there is a goal, with both kinds of heads.
 *
 * @param {import("./world.js").World} world
 * @returns {Row[]}
 */
function rowsOfRivals({ service, rivals }) {
  return rivals.flatMap((against) => {
    const goal = RIVAL_GOALS[against.name];
    const ours = service(against.name.endsWith("SigV4") ? "signed (aws4)" : "plain");
    const name = `against ${against.name}`;
    const row = { name, ours, against, isRival: true };
    return goal === undefined ? [row] : bothHeads(row, [goal, goal]);
  });
}

/**
 * Makes two rows: with heads that repeat on a connection, and with heads that are all new.
 *
 * @param {Row} row
 * @param {readonly [Goal, Goal]} goals
 * @returns {Row[]}
 */
function bothHeads(row, [repeating, fresh]) {
  return [
    { ...row, goal: repeating },
    { ...row, name: `${row.name}, every head new`, load: { hasNewHeads: true }, goal: fresh },
  ];
}

/**
 * Creates and revokes membranes one after the other, at a fixed rate, to measure what each revoke costs other requests.
 *
 * @param {{ url: string }} service
 * @param {string} create
 */
function createAndRevokeMembranes(service, create) {
  const over = new AbortController();
  const going = (async () => {
    while (!over.signal.aborted) {
      const membrane = await createMembrane(service, create, `doomed ${randomUUID()}`);
      const next = performance.now() + 1_000 / REVOKES_PER_SECOND;
      await revoke(service, membrane.revoke);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
    }
  })();
  return {
    async stop() {
      over.abort();
      await going;
    },
  };
}
