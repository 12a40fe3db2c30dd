import { describe, expect, test } from "vitest";
import { HOSTILE_BODIES, SMALL_HEAP } from "./hostile-bodies.ts";
import { runScript } from "./support/run-script.ts";
import { startRawTlsServer } from "./support/tls-server.ts";

/** Sends a request to a hostile service, which must not end the program. */
const PROGRAM = `
  import CapabilitySDK from "capability-sdk";
  const membrane = CapabilitySDK.Membrane();
  const { code, statusCode, message } = await membrane.query(process.env.CAPABILITY).catch((error) => error);
  console.log(JSON.stringify({ code, statusCode, length: message.length }));
`;

describe.each([
  ["Node.js", []],
  ["browsers", ["--conditions=browser"]],
])("with the entry for %s and a small heap, a response", (_entry, flags) => {
  test.each(HOSTILE_BODIES)("$what causes an error, and the program continues", async ({ bytes, after }) => {
    await using server = await startRawTlsServer(bytes, after);
    const { code, stdout, stderr } = await runScript(PROGRAM, {
      type: "module",
      flags: [SMALL_HEAP, ...flags],
      extraCa: server.ca,
      env: { CAPABILITY: server.capability },
    });
    expect([code, stderr]).toEqual([0, ""]);
    const isError = bytes.startsWith("HTTP/1.1 500");
    const { length, ...error } = JSON.parse(stdout);
    expect(length).toBeLessThanOrEqual(1_000);
    expect(error).toEqual(
      isError ? { code: "error_response", statusCode: 500 } : { code: "invalid_response", statusCode: 200 },
    );
  });
});
