import { formatToken } from "capability-protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import CapabilitySDK from "../src/index.ts";
import type { Callback, Membrane } from "../src/index.ts";
import { runScript } from "./support/run-script.ts";
import { startTlsService } from "./support/tls-service.ts";
import type { TlsService } from "./support/tls-service.ts";

let tls: TlsService;
let membrane: Membrane;

beforeAll(async () => {
  tls = await startTlsService();
  membrane = new CapabilitySDK.Membrane({ tls: { trustedCA: { [tls.authority]: tls.ca } } });
});

afterAll(() => tls[Symbol.asyncDispose]());

const UNKNOWN = formatToken(new Uint8Array(64));

/** Every function of the SDK that takes a callback. */
const FUNCTIONS: readonly (readonly [
  name: string,
  call: (capability: string, callback?: any) => Promise<unknown> | void,
])[] = [
  ["create", (capability, callback) => membrane.create(capability, { id: "m" }, callback)],
  [
    "export",
    (capability, callback) => membrane.export(capability, { uri: "https://example.com/" }, callback),
  ],
  ["query", (capability, callback) => membrane.query(capability, null, callback)],
  ["revoke", (capability, callback) => membrane.revoke(capability, callback)],
  ["deleteSelf", (capability, callback) => membrane.deleteSelf(capability, callback)],
  [
    "requestReply",
    (capability, callback) => CapabilitySDK.requestReply(capability, { ca: tls.ca }, null, callback),
  ],
];

describe.each(FUNCTIONS)("%s", (_name, call) => {
  test.each([
    ["a refusal of the service", () => `cpblty://${tls.authority}/#${UNKNOWN}`],
    ["input that is refused before anything is sent", () => "no capability"],
  ])("%s calls the callback once, asynchronously, with only the error", async (_what, capability) => {
    const calls: unknown[][] = [];
    let isReturned = false;
    const called = new Promise<void>((resolve) => {
      const callback: Callback<unknown> = (...values) => {
        expect(isReturned).toBe(true);
        calls.push(values);
        resolve();
      };
      expect(call(capability(), callback)).toBeUndefined();
    });
    isReturned = true;
    await called;
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toEqual([[expect.any(CapabilitySDK.CapabilityError)]]);
  });

  test.each([undefined, null])("with %s for a callback a promise is returned", async (callback) => {
    const promise = call(`cpblty://${tls.authority}/#${UNKNOWN}`, callback);
    await expect(promise).rejects.toMatchObject({ name: "CapabilityError", statusCode: 401 });
  });

  test.each([0, "callback", {}, [], true])("%j for a callback is refused and nothing is sent", (callback) => {
    const before = tls.connections();
    expect(() => call(tls.create, callback)).toThrow(
      expect.objectContaining({ code: "invalid_field", message: "callback: expected a function" }),
    );
    expect(tls.connections()).toBe(before);
  });
});

test("a success calls the callback once, asynchronously, with undefined and the response", async () => {
  const calls: unknown[][] = [];
  let isReturned = false;
  await new Promise<void>((resolve) => {
    membrane.create(tls.create, { id: "once" }, (...values) => {
      expect(isReturned).toBe(true);
      calls.push(values);
      resolve();
    });
    isReturned = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(calls).toEqual([[undefined, expect.objectContaining({ id: "once" })]]);
});

const THROWING = `
  const CapabilitySDK = require("capability-sdk");
  const seen = [];
  process.on("unhandledRejection", (error) => seen.push(["unhandledRejection", error.message]));
  process.on("uncaughtException", (error) => seen.push(["uncaughtException", error.message]));
  process.on("exit", () => console.log(JSON.stringify(seen)));
  const callback = (error) => {
    seen.push(["called", error === undefined ? null : error.code]);
    throw new Error("of the callback");
  };
  CAPABILITY_CALL;
`;

test.each([
  ["a success", 'CapabilitySDK.requestReply(process.env.QUERY, { path: "/?limit=1" }, null, callback)', null],
  ["a refusal", 'new CapabilitySDK.Membrane().create("none", { id: "m" }, callback)', "invalid_field"],
])(
  "an error that a callback throws on %s is an uncaught exception, and the callback is not called again",
  async (_what, call, code) => {
    const result = await runScript(THROWING.replace("CAPABILITY_CALL", call), {
      type: "commonjs",
      extraCa: tls.ca,
      env: { QUERY: tls.query },
    });
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(result.stdout)).toEqual([
      ["called", code],
      ["uncaughtException", "of the callback"],
    ]);
  },
);

test("an error that a callback throws ends a program that does not catch it, with the error's message", async () => {
  const source = `
    const CapabilitySDK = require("capability-sdk");
    CapabilitySDK.Membrane().revoke("none", () => { throw new Error("of the callback"); });
    setInterval(() => {}, 1000);
  `;
  const { code, stderr } = await runScript(source, { type: "commonjs" });
  expect(code).toBe(1);
  expect(stderr).toContain("Error: of the callback");
  expect(stderr).not.toContain("UnhandledPromiseRejection");
});
