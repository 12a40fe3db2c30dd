import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { LookupFunction, Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { call, createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import type { CallResponse } from "../../../testkit/src/client.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { listenOnLoopback } from "../../../testkit/src/loopback.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";

/*
 * Responses to clients with a hostile name server. src/egress/dns-scenarios.test.ts has the whole table of scenarios; here are
 * those with more than one connection. 127.0.0.2 is allowed and 127.0.0.1 is not; both have a server.
 */

const ADDRESSES: Readonly<Record<string, readonly string[] | "never">> = {
  "outside.example": ["127.0.0.2"],
  "inside.example": ["127.0.0.1"],
  "empty.example": [],
  "slow.example": "never",
};
const asked: string[] = [];
const lookup: LookupFunction = (hostname, _options, callback) => {
  asked.push(hostname);
  const answers = ADDRESSES[hostname] ?? "never";
  if (answers === "never") return;
  callback(
    null,
    answers.map((address) => ({ address, family: 4 })),
  );
};
const egress = { allow: ["127.0.0.2/32"] };

let service: TestService;
let target: Server;
let loopback: Awaited<ReturnType<typeof listenOnLoopback>>;
let port: number;
/** The address of each connection that arrived, and the path of each request. */
const reached: string[] = [];
const requests: string[] = [];

beforeAll(async () => {
  service = await startTestService({ lookup, egress, limits: { upstreamConnectTimeoutMs: 1_000 } });
  target = createServer((request, response) => {
    requests.push(request.url ?? "");
    const location = new URLSearchParams(request.url?.split("?")[1]).get("to");
    if (location !== null) response.writeHead(302, { location });
    response.end("reached");
  });
  target.keepAliveTimeout = 600_000; // Undici follows it, so that no idle socket ends during the test.
  target.on("connection", ({ localAddress }: Socket) => reached.push(localAddress ?? "gone"));
  loopback = await listenOnLoopback(target, ["127.0.0.2"]);
  ({ port } = loopback);
});
afterEach(() => {
  target.closeIdleConnections();
  asked.length = reached.length = requests.length = 0;
});
afterAll(async () => {
  await service.close();
  loopback.close();
});

async function invoke(host: string, path = ""): Promise<CallResponse> {
  const { token } = await exportTarget(service, { uri: `http://${host}:${port}/${path}` });
  return call(service, token);
}

function expectForbidden(response: CallResponse): void {
  expect(response).toMatchObject({ status: 502, json: { code: "target_forbidden" } });
  expect(response.headers["proxy-status"]).toBe("membrane; error=http_request_denied");
}

test("empty-answer: a name without addresses is a 502, and the next invocation is served", async () => {
  const response = await invoke("empty.example");
  expect(response).toMatchObject({ status: 502, json: { code: "target_unreachable" } });
  expect(response.headers["proxy-status"]).toBe("membrane; error=destination_unavailable");
  expect(await invoke("outside.example")).toMatchObject({ status: 200, text: "reached" });
});

test("slow-dns: a lookup without a response is a 504 once the time to connect is over, and delays no other request", async () => {
  const slow = invoke("slow.example");
  expect((await invoke("outside.example")).status).toBe(200);
  const response = await slow;
  expect(response.status).toBe(504);
  expect(response.headers["proxy-status"]).toBe("membrane; error=connection_timeout");
});

test("own-address: a name that resolves to the service itself is a 502, although its address is allowed", async () => {
  await using open = await startTestService({ lookup, egress: { allow: ["127.0.0.0/8"] } });
  for (const host of ["inside.example", "outside.example"]) {
    const { token } = await exportTarget(open, { uri: `http://${host}:${open.port}/` });
    expectForbidden(await call(open, token));
  }
});

test.each(["http://127.0.0.1:PORT/secret", "http://inside.example:PORT/", "//127.0.0.1:PORT/", "/again"])(
  "redirect-to-internal: a redirect to %s is passed on unchanged, and is not followed",
  async (template) => {
    const location = template.replace("PORT", String(port));
    const path = `?to=${encodeURIComponent(location)}`;
    expect(await invoke("outside.example", path)).toMatchObject({ status: 302, headers: { location } });
    expect(requests).toEqual([`/${path}`]);
    expect(asked).not.toContain("inside.example");
    expect(reached).not.toContain("127.0.0.1");
  },
);

test("federated-authority: a re-export from an authority that resolves to an internal address is a 502, and reaches no server", async () => {
  const capability = `cpblty://inside.example:${port}/#${service.tokens.create}`;
  const { token } = await exportTarget(service, { capability });
  expectForbidden(await call(service, token));
  expect(asked).toEqual(["inside.example"]);
  expect(reached).toEqual([]);
});

test(
  "policy-tightened-while-pooled: a restart without the allow rule closes pooled connections and refuses new ones",
  { timeout: 20_000 },
  async () => {
    await using directory = await temporaryDirectory();
    const common = { directory: directory.path, lookup };
    const arrives = once(target, "connection");
    let token: string;
    let gone: Promise<unknown>;
    {
      await using open = await startTestService({ ...common, egress });
      const membrane = await createMembrane(open, open.tokens.create, "m");
      token = await exportThrough(open, membrane.export, { uri: `http://outside.example:${port}/` });
      expect((await call(open, token)).status).toBe(200);
      const [socket] = (await arrives) as [Socket];
      gone = once(socket, "close");
    }
    await gone;
    await using strict = await startTestService({ ...common, egress: { allow: [] } });
    expectForbidden(await call(strict, token));
    expect(reached).toEqual(["127.0.0.2"]);
  },
);
