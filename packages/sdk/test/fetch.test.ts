import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Agent } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeCertificate } from "../../testkit/src/tls-target.ts";
import { deferred } from "../../testkit/src/deferred.ts";
import CapabilitySDK from "../src/index.ts";
import type { CapabilityRequestInit } from "../src/index.ts";
import { runScript } from "./support/run-script.ts";
import { CANARY, startHttpsServer } from "./support/tls-server.ts";
import type { TlsServer } from "./support/tls-server.ts";

interface EchoedFetch {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

let server: TlsServer;
let other: TlsServer;
let dispatcher: Agent;
const arrived = deferred<void>();
const left = deferred<void>();

beforeAll(async () => {
  const certificate = await makeCertificate("localhost");
  dispatcher = new Agent({ connect: { ca: certificate.ca } });
  const echo = async (request: IncomingMessage): Promise<string> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "", url = "", headers } = request;
    return JSON.stringify({
      method,
      url,
      headers,
      body: Buffer.concat(chunks).toString(),
    } satisfies EchoedFetch);
  };
  other = await startHttpsServer(
    (request, response) => void echo(request).then((echoed) => response.end(echoed)),
    { certificate },
  );
  server = await startHttpsServer(
    (request, response) => {
      const to = new URL(request.url ?? "", "https://localhost").searchParams.get("to");
      if (to === "silence") {
        response.on("close", () => left.resolve());
        arrived.resolve();
      } else if (to === "mirror") request.pipe(response);
      else if (to !== null) response.writeHead(302, { location: to }).end("moved");
      else void echo(request).then((echoed) => response.setHeader("x-a", "b").end(echoed));
    },
    { certificate },
  );
});

afterAll(async () => {
  await dispatcher.destroy();
  await server[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

/** Calls the SDK's fetch on Node's fetch with a dispatcher that trusts the private CA. */
function use(init: CapabilityRequestInit = {}): Promise<Response> {
  const given: object = { ...init, dispatcher };
  return CapabilitySDK.fetch(server.capability, given);
}

const echoed = async (init?: CapabilityRequestInit): Promise<EchoedFetch> =>
  (await use(init)).json() as Promise<EchoedFetch>;

test("fetch with only a capability sends a GET of / with its token, and returns a Response", async () => {
  const response = await use();
  expect(response).toBeInstanceOf(Response);
  expect(response).toMatchObject({ status: 200, ok: true });
  expect(response.headers.get("x-a")).toBe("b");
  expect(await response.json()).toMatchObject({
    method: "GET",
    url: "/",
    headers: { authorization: `Bearer ${CANARY}`, host: server.authority },
    body: "",
  });
});

test("method, headers and body are options as in fetch", async () => {
  const text = await echoed({ method: "PUT", headers: { "X-B": "c", "Content-Type": "a/b" }, body: "text" });
  expect(text).toMatchObject({ method: "PUT", body: "text", headers: { "x-b": "c", "content-type": "a/b" } });
  const form = await echoed({ method: "POST", body: new URLSearchParams({ a: "b c" }) });
  expect(form.body).toBe("a=b+c");
  expect(form.headers["content-type"]).toContain("application/x-www-form-urlencoded");
  expect((await echoed({ method: "POST", body: Uint8Array.of(104, 105) })).body).toBe("hi");
});

test.each([
  ["an object", { Authorization: "Bearer wrong", "x-b": "c" }],
  ["Headers", new Headers({ authorization: "Bearer wrong", "x-b": "c" })],
  [
    "a list",
    [
      ["AUTHORIZATION", "Bearer wrong"],
      ["x-b", "c"],
    ] as [string, string][],
  ],
])("an Authorization in headers that are %s does not replace the token", async (_what, headers) => {
  expect((await echoed({ headers })).headers).toMatchObject({
    authorization: `Bearer ${CANARY}`,
    "x-b": "c",
  });
});

test.each([
  ["a=b&c=%20", "/?a=b&c=%20"],
  [new URLSearchParams({ a: "b c", d: "&" }), "/?a=b+c&d=%26"],
  ["@wrong.invalid/", "/?@wrong.invalid/"],
  ["", "/"],
])("the query %o is sent after the question mark", async (query, url) => {
  expect((await echoed({ query })).url).toBe(url);
});

test.each([
  ["/reports/1", undefined, "/reports/1"],
  ["/caf%c3%a9/%7Eb", "a=b", "/caf%C3%A9/~b?a=b"],
  ["//wrong.invalid/a", undefined, "//wrong.invalid/a"],
  ["/@wrong.invalid/", "", "/@wrong.invalid/"],
])(
  "the path %j with the query %j is requested as %s, from the authority of the capability",
  async (path, query, url) => {
    expect((await echoed({ path, ...(query !== undefined && { query }) })).url).toBe(url);
  },
);

test.each(["reports", "/a/../b", "/a/%2e%2e/b", "/a?b", "/a#b", "/\\wrong.invalid", "/a b"])(
  "the path %j is refused before anything is sent",
  async (path) => {
    const failure = await use({ path }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "CapabilityError", code: "invalid_field" });
    expect(String(failure)).toContain("path: expected ");
  },
);

test("bodies are streamed in both directions: an echo arrives while the request is still open", async () => {
  const sending = new TransformStream<Uint8Array, Uint8Array>();
  const writer = sending.writable.getWriter();
  const response = use({ query: "to=mirror", method: "POST", body: sending.readable, duplex: "half" });
  const first = writer.write(Buffer.from("first"));
  const reader = (await response).body!.getReader();
  await first;
  expect(Buffer.from((await reader.read()).value!).toString()).toBe("first");
  const second = writer.write(Buffer.from("second"));
  expect(Buffer.from((await reader.read()).value!).toString()).toBe("second");
  await second;
  await writer.close();
  expect(await reader.read()).toMatchObject({ done: true });
});

test("an abort signal ends the request, also for the server", async () => {
  const controller = new AbortController();
  const waiting = use({ query: "to=silence", signal: controller.signal });
  const refused = expect(waiting).rejects.toThrow("enough");
  await arrived.promise;
  controller.abort(new Error("enough"));
  await refused;
  await left.promise;
  await expect(use({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
});

test("a redirect is returned unless the options say to follow it, and then the token is not sent elsewhere", async () => {
  const query = new URLSearchParams({ to: `https://${other.authority}/there` });
  const connections = other.connections();
  const moved = await use({ query });
  expect(moved.status).toBe(302);
  expect(moved.headers.get("location")).toBe(`https://${other.authority}/there`);
  expect(await moved.text()).toBe("moved");
  expect((await use({ query, redirect: undefined as unknown as "manual" })).status).toBe(302);
  expect(other.connections()).toBe(connections);

  const followed = (await (await use({ query, redirect: "follow" })).json()) as EchoedFetch;
  expect(followed.url).toBe("/there");
  expect(followed.headers).not.toHaveProperty("authorization");
  await expect(use({ query, redirect: "error" })).rejects.toThrow(TypeError);
});

test("without a connection the error is fetch's TypeError; for an unusable capability it is a CapabilityError", async () => {
  await expect(CapabilitySDK.fetch(`cpblty://localhost:1/#${CANARY}`)).rejects.toThrow(TypeError);
  await expect(CapabilitySDK.fetch("none")).rejects.toBeInstanceOf(CapabilitySDK.CapabilityError);
});

const PROGRAM = `
  import CapabilitySDK, { fetch } from "capability-sdk";
  if (fetch !== CapabilitySDK.fetch) throw new Error("two of them");
  const outcome = await fetch(process.env.CAPABILITY).then(({ status }) => status, ({ cause }) => cause.code);
  console.log(outcome);
`;

test.each([
  ["with the private CA in NODE_EXTRA_CA_CERTS", true, "200\n"],
  ["without it", false, "UNABLE_TO_VERIFY_LEAF_SIGNATURE\n"],
])("fetch trusts the CAs that Node trusts: %s", async (_what, isTrusted, stdout) => {
  const result = await runScript(PROGRAM, {
    type: "module",
    env: { CAPABILITY: server.capability },
    ...(isTrusted ? { extraCa: server.ca } : {}),
  });
  expect(result).toEqual({ code: 0, stdout, stderr: "" });
});

test("a body over the size that a service buffers is sent with its hash, if it can be read twice and the caller declares none", async () => {
  const bytes = Buffer.alloc(8 * 1024 * 1024 + 1, "a");
  const hash = createHash("sha256").update(bytes).digest("hex");
  const said = async (init: CapabilityRequestInit): Promise<unknown[]> => {
    const { headers } = await echoed({ method: "POST", ...init });
    return [headers["x-payload-sha256"], headers["x-amz-content-sha256"]];
  };
  for (const body of [bytes, String(bytes), new Blob([bytes])]) {
    expect(await said({ body })).toEqual([hash, undefined]);
    expect(await said({ body, headers: { "X-Payload-Sha256": "own" } })).toEqual(["own", undefined]);
    expect(await said({ body, headers: [["x-amz-content-sha256", "own"]] })).toEqual([undefined, "own"]);
  }
  expect(await said({ body: bytes.subarray(1) })).toEqual([undefined, undefined]);
  const stream: CapabilityRequestInit = { body: new Blob([bytes]).stream() };
  expect(await said(Object.assign(stream, { duplex: "half" }))).toEqual([undefined, undefined]);
});
