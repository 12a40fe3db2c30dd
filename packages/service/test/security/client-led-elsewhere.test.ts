import { afterAll, beforeAll, expect, test } from "vitest";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawResponse } from "../../../testkit/src/raw-connection.ts";

/*
 * A target's response can redirect a client, which then sends its capability to another host. A challenge asks for other
 * credentials of the client (as in CVE-2020-15157).
 */

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

interface Told {
  readonly status?: string;
  readonly lines: readonly string[];
  readonly configuration?: object;
  readonly agent?: string;
  readonly path?: string;
  /** The header that holds the token; by default `Authorization: Bearer`. */
  readonly carrier?: string;
}

/** Returns the client's response for a response with these lines; `BASE` is replaced by the target's URI. */
async function passOn(told: Told): Promise<{ readonly response: RawResponse; readonly base: string }> {
  const { status = "200 OK", lines, configuration, agent, path = "v1", carrier } = told;
  let base = "";
  await using target = await startRawTarget((socket) => {
    const filled = lines.map((line) => line.replaceAll("BASE", base));
    const head = [`HTTP/1.1 ${status}`, ...filled, "Content-Length: 2", "", "ok"].join("\r\n");
    rawResponder(head)(socket);
  });
  base = new URL(path, target.url).href;
  const { token } = await exportTarget(service, { uri: base, ...configuration });
  await using connection = await openRawConnection(service.port);
  const headers = agent === undefined ? [] : [`User-Agent: ${agent}`];
  connection.send(
    carrier === undefined
      ? requestHead(token, { headers })
      : requestHead(undefined, { headers: [...headers, `${carrier}: ${token}`] }),
  );
  return { response: await nextResponse(connection), base };
}

const CREDENTIAL = { configuration: { headers: { Authorization: "Bearer a" } } };
const SIGNED = { configuration: { hmac: { "cap1-hmac-sha512": { key: "abcd", keyId: "k" } } } };
const REALM = 'WWW-Authenticate: Bearer realm="https://other.example/token"';

test.each([CREDENTIAL, SIGNED])(
  "the challenge of a target with a credential is removed: %j",
  async (told) => {
    for (const status of ["401 Unauthorized", "200 OK"]) {
      const lines = [REALM, "www-authenticate: Basic", "Authentication-Info: nextnonce=a"];
      const { response } = await passOn({ ...told, status, lines });
      expect(response.status).toBe(Number(status.slice(0, 3)));
      expect(response.headers.get("www-authenticate")).toEqual(["Target"]);
      expect(response.headers.has("authentication-info")).toBe(false);
    }
  },
);

test("the challenge of a target without a credential is removed if it names a URI, to which clients send the token", async () => {
  const { response } = await passOn({ status: "401 Unauthorized", lines: [REALM] });
  expect(response.headers.get("www-authenticate")).toEqual(["Target"]);
  const basic = await passOn({ status: "401 Unauthorized", lines: ['WWW-Authenticate: Basic realm="a"'] });
  expect(basic.response.headers.get("www-authenticate")).toEqual(['Basic realm="a"']);
});

test("no challenge is added to a response without one", async () => {
  const { response } = await passOn({ ...CREDENTIAL, status: "401 Unauthorized", lines: [] });
  expect(response.headers.has("www-authenticate")).toBe(false);
});

test("a link to another place than the target is dropped, whatever else is in its line", async () => {
  const lines = [
    "Link: <https://other.example/>; rel=next",
    "Link: <BASE?page=2>; rel=next, <//other.example/>; rel=last",
    'Link: </v1/a>; title="a, b"',
    "Link: </v2>; rel=up",
    'Link: <BASE>; title="<https://other.example/>; rel=next"',
  ];
  const { response, base } = await passOn({ lines });
  expect(response.headers.get("link")).toEqual([`<${base}?page=2>; rel=next`, '</v1/a>; title="a, b"']);
});

test.each(["Authorization", "X-Api-Key"])(
  "a created upload leads no client away from the target with its token in %s",
  async (carrier) => {
    const names = ["Location", "Operation-Location", "Azure-AsyncOperation", "X-Goog-Upload-URL"];
    const references = ["http://other.example/up", "//other.example/up", "BASE/../up"];
    for (const status of ["200 OK", "201 Created", "202 Accepted"]) {
      for (const configuration of [{}, { allowPath: true }]) {
        const lines = names.flatMap((name) => references.map((reference) => `${name}: ${reference}`));
        const told = { status, configuration, lines: [...lines, "Refresh: 0; url=//other.example/"] };
        const { response } = await passOn(carrier === "Authorization" ? told : { ...told, carrier });
        expect(response).toMatchObject({ status: Number(status.slice(0, 3)), body: "ok" });
        for (const name of [...names, "Refresh"])
          expect(response.headers.has(name.toLowerCase()), name).toBe(false);
      }
    }
  },
);

const LEADING_AWAY = [
  "https://other.example/",
  "//other.example/v1",
  "/v2",
  "BASE/../v2",
  "BASE@other.example/",
  "http:/v1",
];

test.each(["Wget/1.21.4", "Python-urllib/3.12", "wget/2", "git/2.39.5", "App/1 libwww-perl/6"])(
  "%s, which would send the capability there, is not redirected away from the target",
  async (agent) => {
    for (const status of ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]) {
      const { response } = await passOn({
        status,
        agent,
        lines: ["Location: https://other.example/"],
      });
      expect(response.status).toBe(502);
      expect(response.headers.get("proxy-status")).toEqual(["membrane; error=http_request_denied"]);
      expect(JSON.parse(response.body)).toMatchObject({ code: "redirect_not_passed" });
      expect(response.headers.has("location")).toBe(false);
      expect(response.body).not.toContain("other.example");
    }
    for (const reference of [...LEADING_AWAY, "BASE/a"]) {
      const { response } = await passOn({ status: "302 Found", agent, lines: [`Location: ${reference}`] });
      expect(response.status, reference).toBe(502);
    }
  },
);

test("a relative redirect within the target, and one without Location, are also passed on to such a client", async () => {
  const agent = "Wget/1.21.4";
  for (const reference of ["/v1/a", "v1/a?b", "?a"]) {
    const { response } = await passOn({
      status: "302 Found",
      agent,
      lines: [`Location: ${reference}`],
    });
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toEqual([reference]);
  }
  expect((await passOn({ status: "302 Found", agent, lines: [] })).response.status).toBe(302);
  expect((await passOn({ status: "304 Not Modified", agent, lines: [] })).response.status).toBe(304);
});

test.each(["curl/8.5.0", "python-requests/2.32.0", "Mozilla/5.0", "NotWget/1"])(
  "%s, which removes its token, gets the redirect of the target",
  async (agent) => {
    for (const reference of ["https://other.example/", "/v2"]) {
      const { response } = await passOn({
        status: "302 Found",
        agent,
        lines: [`Location: ${reference}`],
      });
      expect(response.status).toBe(302);
      expect(response.headers.get("location")).toEqual([reference]);
    }
  },
);

test.each(["X-Api-Key", "api-key", "x-goog-api-key", "X-Amz-Security-Token"])(
  "no client is redirected away from the target with its token in %s, which few clients drop",
  async (carrier) => {
    const agent = "curl/8.5.0";
    for (const status of ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]) {
      const { response } = await passOn({
        status,
        agent,
        carrier,
        lines: ["Location: https://other.example/"],
      });
      expect(response.status).toBe(502);
      expect(response.body).toContain("redirect_not_passed");
      expect(response.body).not.toContain("other.example");
      // The target itself would get the token too.
      const within = await passOn({ status, agent, carrier, lines: ["Location: BASE/a"] });
      expect(within.response.status).toBe(502);
    }
    const { response } = await passOn({ status: "302 Found", agent, carrier, lines: ["Location: /v1/a"] });
    expect(response.headers.get("location")).toEqual(["/v1/a"]);
  },
);

test.each(["301 Moved", "307 Temporary"])(
  "no client of S3 gets a %s, whose body names another host to it, whatever its Location says",
  async (status) => {
    for (const lines of [[], ["Location: BASE/a"], ["Location: /v1/a"]]) {
      const { response } = await passOn({ status, lines, carrier: "X-Amz-Security-Token" });
      expect(response.status).toBe(502);
      expect(response.body).toContain("redirect_not_passed");
    }
    expect((await passOn({ status, lines: [] })).response.status).toBe(Number(status.slice(0, 3)));
  },
);

test("relative references are resolved against the query that was sent, and against a path without a slash at its end", async () => {
  const { response } = await passOn({
    path: "v1/items/?a=1",
    lines: ["Link: <?b>, <c>, <../other>"],
  });
  expect(response.headers.get("link")).toEqual(["<?b>, <c>"]);
});
