import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, expectStatus, exportThrough, uriOf } from "../../../testkit/src/client.ts";
import { INVALID_LABELS, INVALID_LIMITS, INVALID_OPENINGS } from "../../../testkit/src/invalid-exports.ts";
import type { InvalidInputFixture } from "../../../testkit/src/invalid-input.ts";
import { startInvalidInputFixture } from "../../../testkit/src/invalid-input.ts";

const URI = "https://example.com/";

let refusing: InvalidInputFixture;
let capability: string;

beforeAll(async () => {
  refusing = await startInvalidInputFixture();
  capability = uriOf(
    refusing.service,
    await exportThrough(refusing.service, refusing.exportToken, { uri: URI }),
  );
});

afterAll(() => refusing[Symbol.asyncDispose]());

describe("a target and a re-export", () => {
  test.each(INVALID_LIMITS)(
    "whose %s is wrong is a 400 that names it, and nothing is stored",
    async (path, wrong) => {
      for (const exported of [{ uri: URI }, { capability }]) {
        const bodies = wrong.map((limits) => Object.assign({ limits }, exported));
        await refusing.expectRefused(refusing.exportToken, path, bodies);
      }
    },
  );

  test("whose label is wrong is a 400 that names it, and nothing is stored", async () => {
    for (const exported of [{ uri: URI }, { capability }]) {
      const bodies = INVALID_LABELS.map((label) => Object.assign({ label }, exported));
      await refusing.expectRefused(refusing.exportToken, "label", bodies);
    }
  });
});

test.each(INVALID_OPENINGS)(
  "a target whose %s is wrong is a 400 that names it, and nothing is stored",
  async (path, wrong) => {
    await refusing.expectRefused(
      refusing.exportToken,
      path,
      wrong.map((fields) => Object.assign({ uri: URI }, fields)),
    );
  },
);

test.each(["allowPath", "allowQuery", "allowHeaders", "encodedSlash", "emptySegments"])(
  "a re-export with %s is a 400 that names it: it cannot open what its original does not",
  async (name) => {
    for (const value of [true, false, ["a"]])
      await refusing.expectRefused(refusing.exportToken, name, [{ capability, [name]: value }]);
  },
);

const SERVICE_KINDS = ["create", "query", "deleteSelf", "provision"] as const;
const ONLY_INVOCATIONS = {
  methods: ["GET"],
  paths: ["/"],
  query: {},
  headers: {},
  requests: [{ methods: ["GET"] }],
  maxBodyBytes: 1,
};

test.each(Object.entries(ONLY_INVOCATIONS))(
  "a capability of the service itself cannot have the limit %s",
  async (name, value) => {
    const tokens = [refusing.exportToken, ...SERVICE_KINDS.map((kind) => refusing.service.tokens[kind])];
    const bodies = tokens.map((token) => ({
      capability: uriOf(refusing.service, token),
      limits: { [name]: value },
    }));
    await refusing.expectRefused(refusing.exportToken, `limits.${name}`, bodies);
  },
);

test("a duration that would end before the capability is valid is a 400 that names notBefore", async () => {
  const notBefore = new Date(Date.now() + 3_600_000).toISOString();
  await refusing.expectRefused(refusing.exportToken, "limits.notBefore", [
    { uri: URI, limits: { notBefore, ttlMs: 60_000 } },
  ]);
});

test("the same export with none of these mistakes is accepted", async () => {
  const body = { uri: URI, limits: { ttlMs: 60_000 }, label: "for Kim" };
  expect(expectStatus(await call(refusing.service, refusing.exportToken, { body }), 201).json).toHaveProperty(
    "expiresAt",
  );
});
