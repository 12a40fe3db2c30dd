import type { RequestListener } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRawTarget, startTarget } from "../../testkit/src/target.ts";
import { makeCertificate, startTlsTarget } from "../../testkit/src/tls-target.ts";
import { toSubjectAltName } from "../../service/src/tls/subject-alt-name.ts";
import {
  issueServerCertificate,
  issueAuthorityCertificate,
  generateAuthorityKey,
} from "../../service/src/tls/x509.ts";
import { makeCapability } from "./support/capabilities.ts";
import type { ProcessResult } from "../../testkit/src/run.ts";
import type { Installation } from "./support/installation.ts";
import { startInstallation } from "./support/installation.ts";
import { freePort } from "../../testkit/src/free-port.ts";

let installation: Installation;
beforeAll(async () => {
  installation = await startInstallation();
});
afterAll(() => installation[Symbol.asyncDispose]());

/** Checks the form of a failure: FAILED, what happened, an empty line, what to do; nothing on standard output. */
function expectFailed({ code, stdout, stderr }: ProcessResult, what: string | RegExp, hint: string): void {
  const [head, message, empty, ...advice] = stderr.split("\n");
  expect([head, empty, stdout, code]).toEqual(["FAILED", "", "", 1]);
  expect(message).toMatch(what);
  expect(advice.join("\n")).toContain(hint);
}

const CREATE = ["membrane", "create", "--id", "m"];

test("the error for a service with an untrusted CA names it, and both ways to trust it", async () => {
  const otherHome = await installation.createOtherHome();
  const ended = await otherHome.capi([...CREATE, "--capability", installation.capabilities.create]);
  expectFailed(ended, `${installation.authority} has a certificate`, "--cacert FILE");
  expect(ended.stderr).toContain("capi config configure --cacert FILE");
  expect(ended.stderr).toContain("tls/ca.pem");
});

test("the error for an address where nothing listens names it", async () => {
  const authority = `localhost:${await freePort()}`;
  for (const args of [[...CREATE, "--capability"], ["request"]]) {
    const ended = await installation.capi([...args, makeCapability(authority)]);
    expectFailed(ended, `nothing listens at ${authority}`, "membrane serve");
  }
});

test("a name that does not exist is in the message", async () => {
  const ended = await installation.capi([...CREATE, "--capability", makeCapability("no-such-host.invalid")]);
  expectFailed(ended, "cannot resolve no-such-host.invalid", "Check the authority");
});

test("a request to a server with plain HTTP fails, and the token is not sent to it", async () => {
  await using plain = await startTarget();
  const ended = await installation.capi([
    ...CREATE,
    "--capability",
    makeCapability(`localhost:${plain.port}`),
  ]);
  expectFailed(ended, "does not speak TLS", "--no-tls");
  expect(plain.requests).toEqual([]);
});

test("a connection that is closed at once has another error than one that is refused", async () => {
  await using closing = await startRawTarget((socket) => void socket.destroy());
  const ended = await installation.capi([
    ...CREATE,
    "--capability",
    makeCapability(`localhost:${closing.port}`),
  ]);
  expectFailed(ended, "closed the connection before it responded", "Try again");
});

test("the error says that a certificate is for another name, or that it has expired", async () => {
  const key = await generateAuthorityKey();
  const cert = await issueAuthorityCertificate(key, new Date());
  const ca = await installation.file("private-ca.pem", cert);
  const longAgo = new Date("2020-01-01T00:00:00Z");
  const other = await issueServerCertificate({ cert, key }, [toSubjectAltName("other.test")], new Date());
  const expired = await issueServerCertificate({ cert, key }, [toSubjectAltName("localhost")], longAgo);
  for (const [leaf, what] of [
    [other, "is for another name"],
    [expired, "has expired"],
  ] as const) {
    await using server = await startTlsTarget({ ...leaf, ca: cert });
    const capability = makeCapability(`localhost:${server.port}`);
    expectFailed(await installation.capi([...CREATE, "--capability", capability, "--cacert", ca]), what, "");
    expect(server.requests).toEqual([]);
  }
});

test("a revoked or unknown capability fails with 401 and possible reasons", async () => {
  const ended = await installation.capi([...CREATE, "--capability", makeCapability(installation.authority)]);
  expectFailed(ended, /^401 Unauthorized: /, "revoked");
  const made = JSON.parse(await installation.succeed(["membrane", "create", "--id", "short"]));
  await installation.succeed(["membrane", "revoke", "--id", "short"]);
  const args = ["membrane", "export", "--uri", "https://a.test/", "--capability", made.capabilities.export];
  expectFailed(await installation.capi(args), /^401 Unauthorized: /, "revoked");
  expectFailed(
    await installation.capi(["membrane", "revoke", "--id", "short"]),
    "no membrane is named short",
    "capi membrane query --limit 1000",
  );
});

test("the error for a membrane that exists says how to get its capabilities", async () => {
  await installation.succeed(["membrane", "create", "--id", "twice"]);
  const ended = await installation.capi(["membrane", "create", "--id", "twice"]);
  expectFailed(ended, /^409 Conflict: --id: /, "capi membrane query --id twice");
});

test("the error for an invalid field names its option, and no status if no request was sent", async () => {
  await installation.succeed(["membrane", "create", "--id", "options"]);
  const args = ["membrane", "export", "--id", "options", "--uri", "https://a.test/"];
  expectFailed(await installation.capi([...args, "--method", "CONNECT"]), /^--method: /, "--help");
  const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
  expectFailed(await installation.capi([...args, "--tls-ca", pem]), /^--tls-ca: /, "--help");
});

test("the error for a missing profile or capability names capi config", async () => {
  const otherHome = await installation.createOtherHome();
  expectFailed(
    await otherHome.capi(CREATE),
    'no profile "default"; there are no profiles yet',
    "capi config configure",
  );
  expectFailed(
    await installation.capi([...CREATE, "--profile", "work"]),
    'no profile "work"; the profiles are default',
    "capi config configure --profile work",
  );
  await installation.succeed([
    "config",
    "configure",
    "--service",
    "membrane",
    "--profile",
    "half",
    "--query",
    installation.capabilities.query,
  ]);
  expectFailed(
    await installation.capi([...CREATE, "--profile", "half"]),
    'the profile "half" has no create capability',
    "capi config configure --profile half",
  );
  await installation.succeed(["config", "remove", "--profile", "half"]);
});

test("the error for a missing file names it and its option", async () => {
  expectFailed(
    await installation.capi([...CREATE, "--capability", "@none"]),
    "--capability: none cannot be read",
    "@",
  );
  expectFailed(await installation.capi([...CREATE, "--cacert", "none"]), "--cacert: expected", "ca.pem");
  const malformed = await installation.file("trust.json", "{");
  expectFailed(
    await installation.capi([...CREATE, "--trustedCA-file-path", malformed]),
    "--trustedCA-file-path: expected a JSON object",
    "--cacert FILE",
  );
});

/** Invalid and malicious responses of a service. */
const HOSTILE: readonly (readonly [what: string, listener: RequestListener])[] = [
  ["no JSON", (_, response) => void response.end("<html>")],
  ["nothing", (_, response) => void response.end()],
  ["another shape", (_, response) => void response.end('{"id": 1}')],
  ["a command for a shell", respondWith("'; touch hurt; '")],
  ["a command after a capability", respondWith(`${makeCapability()}'; touch hurt; '`)],
  ["a capability with a line break", respondWith(`${makeCapability()}\ntouch hurt`)],
  [
    "truncated HTTP",
    (_, response) =>
      void response.writeHead(201, { "content-length": "99" }).write("{", () => response.destroy()),
  ],
  ["a success without a body", (_, response) => void response.writeHead(204).end()],
];

function respondWith(capability: string): RequestListener {
  return (_, response) =>
    void response
      .writeHead(201)
      .end(JSON.stringify({ id: "m", capability, capabilities: { export: capability, revoke: capability } }));
}

test.each(HOSTILE)("a service's response with %s is refused by every command", async (_what, listener) => {
  const certificate = await makeCertificate("localhost");
  await using service = await startTlsTarget(certificate, listener);
  const ca = await installation.file("hostile-ca.pem", certificate.ca);
  const trust = ["--capability", makeCapability(`localhost:${service.port}`), "--cacert", ca];
  for (const args of [
    [...CREATE, "--output", "json"],
    ["membrane", "export", "--uri", "https://a.test/", "--output", "env"],
  ]) {
    const { code, stdout, stderr } = await installation.capi([...args, ...trust]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^FAILED\n/);
    expect(stderr).not.toContain("hurt");
  }
});

test("an error response can neither control the terminal nor imitate a message of capi", async () => {
  const certificate = await makeCertificate("localhost");
  let token = "";
  await using service = await startTlsTarget(certificate, (request, response) => {
    token = String(request.headers.authorization).replace("Bearer ", "");
    const message = `\u001b[2J\u009b1m\nFAILED\r${token}`;
    response
      .writeHead(400)
      .end(JSON.stringify({ statusCode: 400, error: `\u0007${message}`, message, code: message }));
  });
  const ca = await installation.file("hostile-ca.pem", certificate.ca);
  const capability = makeCapability(`localhost:${service.port}`);
  const { stderr } = await installation.capi([...CREATE, "--capability", capability, "--cacert", ca]);
  expect(token).toHaveLength(94);
  expect(stderr).not.toContain(token);
  expect(stderr.split("\n").filter((line) => line === "FAILED")).toHaveLength(1);
  expect(stderr).not.toMatch(/[^\n\P{Cc}]/u);
});

test("a service that returns a capability of another service cannot choose where a secret is sent", async () => {
  const certificate = await makeCertificate("localhost");
  await using other = await startTlsTarget(certificate, (_, response) => void response.writeHead(500).end());
  const elsewhere = makeCapability(`localhost:${other.port}`);
  await using service = await startTlsTarget(certificate, (_, response) => {
    const membrane = { id: "m", capabilities: { export: elsewhere, revoke: elsewhere } };
    response.end(JSON.stringify({ membranes: [membrane], completed: true }));
  });
  const ca = await installation.file("turning-ca.pem", certificate.ca);
  const query = makeCapability(`localhost:${service.port}`);
  await installation.succeed([
    "config",
    "configure",
    "--profile",
    "turning",
    "--query",
    query,
    "--cacert",
    ca,
  ]);
  const trust = ["--id", "m", "--profile", "turning", "--cacert", ca];
  for (const args of [
    ["membrane", "export", "--uri", "https://a.test/", "--header", "X: secret"],
    ["membrane", "revoke"],
  ]) {
    const ended = await installation.capi([...args, ...trust]);
    expectFailed(
      ended,
      `names a capability of another service, localhost:${other.port}`,
      "--capability @FILE",
    );
  }
  expect(service.requests).toHaveLength(2);
  expect(other.requests).toHaveLength(0);
});

test("an endless file is refused as a CA, and is not read to its end", async () => {
  for (const option of ["--cacert", "--trustedCA-file-path"]) {
    const args = ["request", makeCapability("localhost:1"), option, "/dev/zero"];
    const { code, stderr } = await installation.capi(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/is over (1|16) MiB/);
  }
});
