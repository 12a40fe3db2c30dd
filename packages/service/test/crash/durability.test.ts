import { describe, expect, test } from "vitest";
import type { CallOptions } from "../../../testkit/src/client.ts";
import { call, createMembrane, exportThrough, expectStatus, tokenOf } from "../../../testkit/src/client.ts";
import type { TestDataDirectory } from "../../../testkit/src/data-directory.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { PATIENT_WRITES, spawnService } from "../../../testkit/src/process.ts";
import { startTarget } from "../../../testkit/src/target.ts";

/**
 * Opens a store as after a power failure: lmdb opens the last transaction that was flushed and drops later commits. No other
 * process may have the directory open.
 */
const AFTER_POWER_CUT = {
  env: { LMDB_RESTORE: "safe" },
  // The header bytes are for the ballast.
  flags: ["--header-bytes", "1048576", ...PATIENT_WRITES],
};

/** CRASH_ROUNDS of them. Each is a separate test with its own store, so that none depends on how long all take. */
const ROUNDS = Array.from({ length: Number(process.env["CRASH_ROUNDS"] ?? 20) }, (_, index) => index);

/** Makes a flush take a while, so that a change that was acknowledged before it would be lost. */
const BALLAST = Object.fromEntries(
  Array.from({ length: 14 }, (_, index) => [`X-Ballast-${index}`, "b".repeat(64_000)]),
);

/** What a client knows about one membrane. */
interface Life {
  readonly name: string;
  readonly export: string;
  readonly revoke: string;
  readonly exported: string[];
  /** `asked`: sent, without a response. */
  revoked: "no" | "asked" | "yes";
}

describe("changes that were acknowledged before a kill hold after a power failure, and others are made whole or not at all", () => {
  test.each(ROUNDS)("round %i", async (round) => {
    await using data = await initDataDirectory();
    await using target = await startTarget((_request, response) => void response.end());
    let service = await spawnService(data.path, AFTER_POWER_CUT);
    try {
      const lives: Life[] = [];
      const asked = new Set<string>();
      await loadUntilKilled(service, data, round, target.url, { lives, asked });

      service = await spawnService(data.path, AFTER_POWER_CUT);
      expect(lives.length).toBeGreaterThan(0);
      for (const life of lives) await checkAcknowledged(service, life);
      for (const name of asked) await checkAllOrNothing(service, data, name);
    } finally {
      await service.end("SIGKILL");
    }
  });
});

/** Creates, exports and revokes without pause, and kills the process just after one of the responses. */
async function loadUntilKilled(
  service: ServiceProcess,
  data: TestDataDirectory,
  round: number,
  targetUrl: string,
  { lives, asked }: { readonly lives: Life[]; readonly asked: Set<string> },
): Promise<void> {
  let answersLeft = 20 + round * 3;
  let ended: Promise<unknown> | undefined;
  /** Counts a response, even one that arrives after the kill, since it was sent before. */
  const responded = (): void => {
    answersLeft -= 1;
    if (answersLeft === 0) ended = service.end("SIGKILL");
  };
  const lane = async (number: number): Promise<void> => {
    for (let turn = 0; turn < 1_000; turn += 1) {
      const name = `${round}/${number}/${turn}`;
      asked.add(name);
      const membrane = await createMembrane(service, data.tokens.create, name);
      asked.delete(name);
      const life: Life = { name, ...membrane, exported: [], revoked: "no" };
      lives.push(life);
      responded();
      life.exported.push(await exportThrough(service, life.export, { uri: targetUrl }));
      responded();
      if (turn % 2 === 0) continue;
      life.revoked = "asked";
      expectStatus(await call(service, life.revoke), 202);
      life.revoked = "yes";
      responded();
    }
  };
  const ballast = async (): Promise<void> => {
    const membrane = await createMembrane(service, data.tokens.create, `${round} ballast`);
    for (let turn = 0; turn < 1_000; turn += 1) {
      await exportThrough(service, membrane.export, { uri: targetUrl, headers: BALLAST });
    }
  };
  const lanes = await Promise.allSettled([ballast(), ...[1, 2, 3, 4].map(lane)]);
  expect(lanes.every(({ status }) => status === "rejected")).toBe(true);
  await ended;
}

async function checkAcknowledged(service: ServiceProcess, life: Life): Promise<void> {
  const works = await status(service, life.export, { body: {} });
  expect(life.revoked === "asked" ? [400, 401] : [life.revoked === "yes" ? 401 : 400]).toContain(works);
  for (const token of life.exported) {
    expect(await status(service, token)).toBe(works === 400 ? 200 : 401);
  }
  expect(await status(service, life.revoke, { method: "PUT" })).toBe(405);
}

/** Checks that a membrane without a response exists with both its capabilities, or that its name is free. */
async function checkAllOrNothing(
  service: ServiceProcess,
  data: TestDataDirectory,
  name: string,
): Promise<void> {
  const path = `/?id=${encodeURIComponent(name)}`;
  const { membranes } = expectStatus(await call(service, data.tokens.query, { path }), 200).json;
  if (membranes.length === 0) {
    await createMembrane(service, data.tokens.create, name);
    return;
  }
  const [{ capabilities }] = membranes;
  expect(await status(service, tokenOf(capabilities.export), { body: {} })).toBe(400);
  expect(await status(service, tokenOf(capabilities.revoke))).toBe(202);
}

describe("a revoke that another process repeats before the first is on disk holds once it is acknowledged", () => {
  test.each(ROUNDS)("round %i", async () => {
    await using data = await initDataDirectory();
    await using target = await startTarget();
    let first = await spawnService(data.path, AFTER_POWER_CUT);
    try {
      await using second = await spawnService(data.path, { flags: AFTER_POWER_CUT.flags });
      const ballast = await createMembrane(first, data.tokens.create, "ballast");
      const membrane = await createMembrane(first, data.tokens.create, "revoked");
      const body = { uri: target.url, headers: BALLAST };
      const requests = [
        ...Array.from({ length: 6 }, () => call(first, ballast.export, { body })),
        call(first, membrane.revoke),
      ];
      const begun = Promise.allSettled(requests);
      await untilStatus(second, membrane.export, 401);
      const repeated = await call(second, membrane.revoke);
      const ends = [first.end("SIGKILL"), second.end("SIGKILL")];
      expect(repeated.status).toBe(202);
      await Promise.all([...ends, begun]);

      first = await spawnService(data.path, AFTER_POWER_CUT);
      expect(await status(first, membrane.export, { body: {} })).toBe(401);
      expect(await status(first, membrane.revoke)).toBe(202);
    } finally {
      await first.end("SIGKILL");
    }
  });
});

/** Sends requests until this process sees the other's commit. */
async function untilStatus(service: ServiceProcess, token: string, expected: number): Promise<void> {
  for (let turn = 0; turn < 10_000; turn += 1) {
    if ((await status(service, token, { body: {} })) === expected) return;
  }
  throw new Error(`the status never became ${expected}`);
}

async function status(service: ServiceProcess, token: string, options: CallOptions = {}): Promise<number> {
  return (await call(service, token, options)).status;
}
