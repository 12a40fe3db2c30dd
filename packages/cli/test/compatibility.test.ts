import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestTarget } from "../../testkit/src/target.ts";
import { startTarget } from "../../testkit/src/target.ts";
import { makeCertificate, startTlsTarget } from "../../testkit/src/tls-target.ts";
import type { Installation } from "./support/installation.ts";
import { startInstallation } from "./support/installation.ts";

let installation: Installation;
let target: TestTarget;
let exporting: string;
beforeAll(async () => {
  [installation, target] = await Promise.all([startInstallation(), startTarget()]);
  const made = await installation.succeed(["membrane", "create", "--id", "m", "--output", "uri"]);
  exporting = made.split("\n")[0]!;
});
afterAll(async () => {
  await installation[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

/** Exports with these arguments, invokes the capability with a query, and returns the request that the target received. */
async function invoke(args: readonly string[], request: readonly string[] = []) {
  const response = await installation.succeed(["membrane", "export", "--capability", exporting, ...args]);
  await installation.succeed(["request", JSON.parse(response).capability, ...request]);
  return target.requests.at(-1)!;
}

test.each([
  [["--allow-query", "false"], "/"],
  [["--allow-query"], "/?a=b"],
])("an export with %j sends %s to the target", async (args, url) => {
  expect((await invoke(["--uri", target.url, ...args], ["--query", "a=b"])).url).toBe(url);
});

test("a header is sent with all its colons, and no other word is taken for a header", async () => {
  const { headers, method } = await invoke([
    "--header",
    "X-Time: 12:30:00",
    "--header",
    "X-Url: https://a.test:1/",
    "X-Listed: as the original took them",
    "--header=X-Empty:",
    "-H",
    'X-Quoted: "a"',
    "--method",
    "PUT",
    "--uri",
    target.url,
  ]);
  expect(method).toBe("PUT");
  expect(headers).toMatchObject({
    "x-time": "12:30:00",
    "x-url": "https://a.test:1/",
    "x-listed": "as the original took them",
    "x-empty": "",
    "x-quoted": '"a"',
  });
});

test("the command of the guide to AWS Lambda signs the request to the function", async () => {
  const uri = `${target.url}2015-03-31/functions/f/invocations`;
  const { headers, method, url } = await invoke(
    [
      "--uri",
      uri,
      "--method",
      "POST",
      "--allow-query",
      "false",
      "--header",
      "X-Amz-Invocation-Type: RequestResponse",
      "--header",
      "X-Amz-Log-Type: None",
      "--aws4-hmac-sha256-aws-access-key-id",
      "AKIDEXAMPLE",
      "--aws4-hmac-sha256-region",
      "us-east-1",
      "--aws4-hmac-sha256-service",
      "lambda",
      "--aws4-hmac-sha256-secret-access-key",
      "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
      "--aws4-hmac-sha256-session-token",
      "session/token==",
    ],
    ["-X", "GET"],
  );
  expect({ method, url }).toEqual({ method: "POST", url: "/2015-03-31/functions/f/invocations" });
  expect(headers["authorization"]).toMatch(
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/us-east-1\/lambda\/aws4_request, ?SignedHeaders=[^,]*x-amz-invocation-type/,
  );
  expect(headers).toMatchObject({
    "x-amz-invocation-type": "RequestResponse",
    "x-amz-log-type": "None",
    "x-amz-security-token": "session/token==",
  });
});

test("cap1 keys may begin with a dash", async () => {
  const { headers } = await invoke([
    "--uri",
    target.url,
    "--cap1-hmac-sha512-key",
    "-key_k",
    "--cap1-hmac-sha512-key-id",
    "-1",
  ]);
  expect(headers["authorization"]).toMatch(/^CAP1-HMAC-SHA512 Credential=-1\//);
});

test("PEM can be given as text and as a file, and the check of the target's certificate can be turned off", async () => {
  const certificate = await makeCertificate("127.0.0.1");
  await using secure = await startTlsTarget(certificate);
  const file = await installation.file("ca.pem", certificate.ca);
  const ways = [
    ["--tls-ca", certificate.ca],
    ["--tls-ca", `@${file}`],
    ["--tls-reject-unauthorized", "false"],
    ["--tls-ca", certificate.ca, "--tls-cert", certificate.cert, "--tls-key", certificate.key],
  ];
  for (const way of ways) {
    const args = ["membrane", "export", "--capability", exporting, "--uri", secure.url, ...way];
    expect(
      await installation.succeed(["request", await installation.succeed([...args, "--output", "uri"])]),
    ).toBe("ok");
  }
  expect(secure.requests).toHaveLength(ways.length);
});
