import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { call } from "../../../testkit/src/client.ts";
import type { JobResult } from "../../../testkit/src/github-job.ts";
import { runJob } from "../../../testkit/src/github-job.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { makeCertificate, startTlsTarget } from "../../../testkit/src/tls-target.ts";
import { UNKNOWN_TOKEN } from "../support/refusals.ts";
import type { ClientMachine } from "../support/client-machine.ts";
import { expectOwnCredential, grant, revoke, startClientMachine } from "../support/client-machine.ts";

/* The actions in deploy/github-action, by the workflow of their page. */

const PAGE = await readFile(new URL("../../../../deploy/github-action/README.md", import.meta.url), "utf8");
const { jobs } = parse(/```yaml\n([\s\S]*?)```/.exec(PAGE)![1]!);
const STEPS: readonly {
  readonly with?: Readonly<Record<string, string>>;
  readonly run?: string;
  readonly uses?: string;
}[] = jobs.deploy.steps;

let machine: ClientMachine;
let target: TestTarget;
let original: { readonly token: string; readonly revoke: string };
beforeAll(async () => {
  machine = await startClientMachine();
  target = await startTarget((_request, response) => void response.end("deployed"));
});
afterAll(() => Promise.all([machine[Symbol.asyncDispose](), target[Symbol.asyncDispose]()]));
beforeEach(async () => {
  original = await grant(machine, {
    uri: target.url,
    allowPath: true,
    headers: { "X-Api-Key": "SECRET" },
  });
});

interface Changes {
  /** Of the first step. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** What the job is for. */
  readonly run?: string;
  readonly create?: string;
  /** Token of the capability that jobs get a part of. */
  readonly original?: string;
  readonly revokes?: boolean;
  /** URI in place of what revokes. */
  readonly revoke?: string;
}

/** The job of the page, with the CA of this machine's service, and other parts where a test has them. */
async function runPage(changes: Changes = {}): Promise<JobResult> {
  const ca = await readFile(machine.ca, "utf8");
  const { inputs = {}, run: command, revokes = true } = changes;
  const [handOver, use, revokeAction] = STEPS;
  const revokeInput = changes.revoke === undefined ? {} : { revoke: changes.revoke };
  const steps = [
    { ...handOver, with: { ...handOver!.with, ca, ...inputs } },
    { ...use, run: command ?? use!.run! },
    ...(revokes ? [{ ...revokeAction, with: { ...revokeAction!.with, ca, ...revokeInput } }] : []),
  ];
  await machine.write("site.tar", "a site");
  const secrets = {
    MEMBRANE_CREATE: changes.create ?? uriOf(machine.service.tokens.create),
    MEMBRANE_DEPLOY: uriOf(changes.original ?? original.token),
  };
  const env = { PATH: process.env["PATH"]!, HOME: machine.home, CURL_CA_BUNDLE: machine.ca };
  return await runJob(steps, secrets, env);
}

const uriOf = (token: string): string => `cpblty://${machine.authority}/#${token}`;

/** Prints what the job was handed so that the runner does not recognize it. */
const REVEAL = 'printf "%s" "$TOKEN" | rev; printf "\\n"';

/** @returns the token that {@link REVEAL} printed. */
function revealed({ log }: JobResult): string {
  const [backwards = ""] = /^[\w-]+-1YTLBPC$/m.exec(log) ?? [];
  return Array.from(backwards).toReversed().join("");
}

const statusOf = async (token: string, method = "PUT"): Promise<number> =>
  (await call(machine.service, token, { method })).status;

const run = 'cd ~ && curl --fail --silent --header "X-Api-Key: $TOKEN" --upload-file site.tar "$URL"';

test("the workflow of the page reaches the target with the target's own credential, and logs no token", async () => {
  const before = target.requests.length;
  const result = await runPage({ run: `${run} && echo "$TOKEN" && ${REVEAL}` });
  expect(result).toMatchObject({ isFailed: false, log: expect.stringContaining("deployed") });
  const requests = target.requests.slice(before);
  expect(requests.map(({ method }) => method)).toEqual(["PUT"]);
  const token = revealed(result);
  expectOwnCredential(requests, token, ["x-api-key", "SECRET"]);
  for (const secret of [token, original.token, machine.service.tokens.create])
    expect(result.log).not.toContain(secret);
});

test("what a job was handed is dead after the job, even after one that failed, and the original is not", async () => {
  for (const end of ["true", "false"]) {
    const result = await runPage({ run: `${REVEAL}; ${end}` });
    expect(result.isFailed).toBe(end === "false");
    expect(await statusOf(revealed(result))).toBe(401);
  }
  expect(await statusOf(original.token)).toBe(200);
});

test("a capability is narrower than the original, and ends without a revoke after its minutes", async () => {
  const result = await runPage({
    inputs: { limits: '{"methods": ["PUT"], "ttlMs": 1}' },
    run: REVEAL,
    revokes: false,
  });
  await expect.poll(() => statusOf(revealed(result))).toBe(401);
  const living = revealed(await runPage({ run: REVEAL, revokes: false }));
  expect([await statusOf(living), await statusOf(living, "GET")]).toEqual([200, 405]);
});

test("revoking the original's membrane ends what a job has", async () => {
  const token = revealed(await runPage({ run: REVEAL, revokes: false }));
  expect(await statusOf(token)).toBe(200);
  await revoke(machine, original.revoke);
  expect(await statusOf(token)).toBe(401);
});

test.each([
  [{ inputs: { limits: '{"metods": ["PUT"]}' } }, /responds 400: .*metods/],
  [{ inputs: { limits: "[" } }, /limits: expected an object in JSON/],
  [{ inputs: { minutes: "half" } }, /minutes: expected a whole number of at least 1/],
  [{ create: "" }, /create: is empty: its secret is not set/],
  [{ create: "CPBLTY1-" }, /create: expected cpblty:/],
  [{ inputs: { ca: "ca.pem" } }, /ca: expected a certificate as PEM/],
  [{ original: UNKNOWN_TOKEN }, /responds 400/],
] satisfies [Changes, RegExp][])(
  "a job with %j fails before it begins, with the reason, and leaves no membrane",
  async (changes, reason) => {
    const before = await membranes();
    const { isFailed, log } = await runPage({ ...changes, run: "echo begun" });
    expect(isFailed).toBe(true);
    expect(log).toMatch(reason);
    expect(log).toContain("Nothing was handed over.");
    expect(log).not.toContain("begun");
    expect(await membranes()).toEqual(before);
  },
);

test("what a service responds is one line of the log, whatever line ends it has", async () => {
  const lines = ["::stop-commands::x", "::set-output name=capability::y", "::debug::z", "%0A::debug::%"];
  await using service = await startOtherService((_token, response) =>
    refuse(response, 400, lines.map((line) => `\r${line}\n${line}\r\n${line}`).join("")),
  );
  const { isFailed, log } = await runPage({ create: service.create, inputs: { ca: service.ca } });
  expect(isFailed).toBe(true);
  const commands = log.split("\n").filter((line) => line.startsWith("::"));
  expect(commands).toEqual([
    expect.stringMatching(/^::error .* responds 400: .*%250A::debug::%25 \(a_code\)$/),
  ]);
});

test("a job whose export is refused says why, even if the revoke of its membrane fails", async () => {
  const [through, revoke] = [UNKNOWN_TOKEN, `${UNKNOWN_TOKEN.slice(0, -1)}Q`];
  await using service = await startOtherService((token, response, authority) => {
    if (token === through) return refuse(response, 400, "not exported");
    if (token === revoke) return refuse(response, 503, "not revoked");
    const capabilities = {
      export: `cpblty://${authority}/#${through}`,
      revoke: `cpblty://${authority}/#${revoke}`,
    };
    return response.writeHead(201).end(JSON.stringify({ capabilities }));
  });
  const { isFailed, log } = await runPage({ create: service.create, inputs: { ca: service.ca } });
  expect(isFailed).toBe(true);
  expect(log).toContain("responds 400: not exported");
  expect(log).toContain("responds 503: not revoked");
});

test("a capability for a target in place of create or revoke reaches the target once, whose response is not logged", async () => {
  const other = uriOf(original.token);
  for (const changes of [{ create: other }, { revoke: other }]) {
    const before = target.requests.length;
    const { isFailed, log } = await runPage({ ...changes, run: "true" });
    expect(isFailed).toBe(true);
    expect(log).toMatch(/responds 200: not a response of the service itself/);
    expect(log).not.toContain("deployed");
    expect(target.requests.length).toBe(before + 1);
  }
});

test.each([200, 201, 503])(
  "a response %i that does not end is read up to a limit, and fails the job, which keeps nothing of it",
  async (status) => {
    let closed = 0;
    await using service = await startOtherService((_token, response) => {
      response.writeHead(status).on("close", () => (closed += 1));
      const send = (): void => {
        while (response.write("deployed".repeat(8_192))) if (response.destroyed) return;
        response.once("drain", send);
      };
      send();
    });
    const { isFailed, log } = await runPage({ create: service.create, inputs: { ca: service.ca } });
    expect(isFailed).toBe(true);
    expect(log).toContain(
      `responds ${status} with more than 1048576 bytes: not a response of the service itself`,
    );
    expect(log).not.toContain("deployed");
    await expect.poll(() => closed).toBe(1);
  },
);

/** As a service does. */
const refuse = (response: ServerResponse, status: number, message: string): ServerResponse =>
  response.writeHead(status).end(JSON.stringify({ statusCode: status, message, code: "a_code" }));

/** A service that responds as the test says, and the URI of its `create`. */
async function startOtherService(
  respond: (token: string, response: ServerResponse, authority: string) => void,
): Promise<AsyncDisposable & { readonly create: string; readonly ca: string }> {
  const certificate = await makeCertificate("127.0.0.1");
  const other = await startTlsTarget(certificate, (request, response) => {
    const token = request.headers.authorization?.replace("Bearer ", "") ?? "";
    respond(token, response, request.headers.host ?? "");
  });
  return {
    create: `cpblty://127.0.0.1:${other.port}/#${machine.service.tokens.create}`,
    ca: certificate.ca,
    [Symbol.asyncDispose]: () => other[Symbol.asyncDispose](),
  };
}

async function membranes(): Promise<readonly string[]> {
  const all = { method: "GET", path: "/?limit=1000" };
  const { json } = await call(machine.service, machine.service.tokens.query, all);
  return json.membranes.map(({ id }: { readonly id: string }) => id);
}
